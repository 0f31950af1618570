# Run by drgn: one type, one global variable, the line of one address.

print(prog.type('struct task_struct'))
print(prog['init_task'].comm.string_().decode(), 'init_task')
try:
    at = prog.source_location(prog.symbol('vfs_write').address + 20)
    print(at)
except AttributeError:
    # Before 0.1 drgn had lines of frames only.
    print([f.source() for f in prog.crashed_thread().stack_trace()][0])
