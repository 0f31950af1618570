# Run by drgn: what the crashed thread was doing.
print(prog.crashed_thread().stack_trace())
