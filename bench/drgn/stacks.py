# Run by drgn: the stacks of all tasks.
from drgn.helpers.linux.pid import for_each_task

for task in for_each_task(prog):
    print(task.pid.value_(), task.comm)
    try:
        print(prog.stack_trace(task))
    except ValueError as e:
        print(e)
