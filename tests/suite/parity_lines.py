# SPDX-License-Identifier: GPL-2.0-or-later
"""What is typed in crash and in inquest alike: at least five lines for each command and one for each option.

{names} are filled in with what crash itself said of the dump: see facts() in test_parity.py.
"""

LINES = '''
alias px
ascii
ascii 62696c2f7273752f
ascii 62696c2f7273752f 0x70756b2d6465766e
ascii 41
ascii 6173
bt
bt -a
bt {pid}
bt {task}
bt -c 0
bt -c 1
bt -s
bt -sx
bt -g
bt -r {pid}
bt -e
bt -n idle -a
bt -v
bt -S {stack}
bt -l {pid}
bt -p
btop 512000
btop 1000
btop 0
btop ffff
btop 7fffffff
dev
dev -i
dev -d
dev -D
dev -p
dis schedule
dis schedule 5
dis -r {text}
dis -f {text}
dis -x schedule 3
dis -d schedule 3
dis {text} 2
dis vfs_read
dis -u {user} 1
eval 128m
eval 128 * 1024
eval -b 0xff00
eval -l 4294967296
eval 1 << 34
eval (1 << 34)
eval ~0
eval 42
eval 0x1000 + 16
eval 1000 / 3
files
files {pid}
files {task}
files -d {dentry}
files -R init
files -c
files -p {inode}
files {pid} {pid2}
foreach ps
foreach kernel ps
foreach user ps
foreach active ps
foreach UN ps
foreach IN ps -s
foreach {comm} ps
foreach {pid} bt
foreach bt -s
foreach user vm
foreach user files
foreach task -R pid
foreach user sig
foreach gleader ps
foreach set
fuser /
fuser /init
fuser {inode}
fuser {dentry}
fuser /dev/console
ipcs
ipcs -s
ipcs -m
ipcs -q
ipcs -M
ipcs -n {pid}
irq
irq -s
irq -a
irq -d
irq -b
irq -u
irq 1
irq 4
irq 0 1
irq -c 0
kmem -i
kmem -s
kmem -s task_struct
kmem -s kmalloc-64
kmem -S filp
kmem -s {object}
kmem {object}
kmem {task}
kmem {page}
kmem -v
kmem -V
kmem -n
kmem -z
kmem -f
kmem -F
kmem -g
kmem -g 4000
kmem -o
kmem -h
kmem -p {page}
kmem -p -m flags,_refcount {page}
kmem -c
kmem -C
kmem -r
kmem -I kmalloc-64,kmalloc-32 -s
kmem {text}
kmem vmap_area_root
list task_struct.tasks -h init_task
list modules
list -H modules
list module.list -H modules -s module.name
list -h {task} -o task_struct.sibling
list super_blocks -H
list -r module.list -H modules
list -o module.list -H modules -s module.state -x
log -m
log
log -t
log -d
log -T
log -c
log -s
log -a
mach
mach -m
mach -c
mach -x
mod
mod -t
mod -r
mod | head -3
mount
mount -n {pid}
mount -f
mount {superblock}
mount /proc
net
net -a
net -s
net -s {pid}
net -S {pid}
net -n
net -n {pid}
net -N 0x0100007f
p jiffies
p -x jiffies
p -d init_task.pid
p init_task.comm
p/x init_mm.pgd
p &init_task
p sizeof(struct task_struct)
p linux_banner
p runqueues:0 | head -5
p -u {user}
p init_task.tasks
px init_task.flags
pd init_task.flags
p irq_stat:a
p current_task:a
p ((struct task_struct *)0x{task})->pid
ps
ps {pid}
ps {task}
ps {comm}
ps -k
ps -u
ps -G
ps -s
ps -p {pid}
ps -c {ppid}
ps -t {pid}
ps -l
ps -m
ps -a {pid}
ps -g {pid}
ps -r {pid}
ps -S
ps -A
ps -y 0
ps -H
ps -C 0
ps -l {pid}
ps -m {pid}
ps -k -l
ps -k -p
pte 8000000001e001e3
pte d6e60067
pte 0
pte 8000000000000063
pte 1f40067
ptob 512a
ptob 0
ptob 1
ptob fffff
ptob 10
ptov 56e000
ptov 0
ptov 1000
ptov f000000
ptov irq_stat:0
rd jiffies
rd -8 linux_banner 32
rd -16 linux_banner 8
rd -32 init_task 8
rd -64 init_task 4
rd -d jiffies
rd -D jiffies
rd -s {task} 20
rd -S {task} 20
rd -a linux_banner
rd -u {user} 4
rd -p 1000 4
rd -o 8 init_task 2
rd -e {taskplus} {task}
rd -N linux_banner 2
rd -x init_task 4
rd -SS {task} 30
rd -R {task} 4
runq
runq -t
runq -T
runq -m
runq -g
runq -d
runq -c 0
search -k deadbeefdeadbeef
search -t {task}
search -s _text -e _etext 1234567812345678
search -K {object}
search -V {task}
search -u 1234567812345678
search -w -k 12345678
search -h -s {task} -l 4096 ffff
search -c swapper/0
search -x 3 -s {task} -l 4096 {task}
search -m ffff -s {task} -l 8192 {task}
set
set {pid}
set -p
set -c 0
set {task}
set -v | grep radix
set radix
set hex
set dec
sig
sig {pid}
sig -l
sig -s 8000000000000200
sig -g {pid}
sig {task}
struct list_head
struct task_struct.pid,comm {task}
struct -o list_head
struct task_struct.pid -o
struct task_struct {task}
struct -r list_head init_task
struct -x task_struct.flags {task}
struct -d task_struct.flags {task}
struct task_struct.tasks.next {task}
struct -l task_struct.tasks list_head {task}
struct list_head init_task 2
struct page.flags {page}
task_struct.pid {task}
*task_struct.comm {task}
struct -u list_head {user}
struct rq.nr_running runqueues:a
union sigval
union -o sigval
union thread_union
union sigval {task}
union -x sigval {task}
union sigval.sival_int {task}
swap
sym schedule
sym {text}
sym -l | grep vfs_read
sym -q vfs_re
sym -n schedule
sym -p schedule
sym -m virtio_blk
sym -M | grep virtblk_done
sym -x {text}
sys
sys -t
sys -i
sys -c | head -20
sys -c read
sys -c 1
sys config | head
task -R pid
task -R comm,pid {pid}
task -x -R flags {pid}
task -d -R flags {pid}
task {pid}
task
timer
timer -r
timer -C 0
timer -r -C 0
timer -C 1
tree -t rbtree -o vmap_area.rb_node vmap_area_root
tree -t rbtree -o vmap_area.rb_node vmap_area_root -p -l
tree -t x -r pid_namespace.idr init_pid_ns -p
tree -o vmap_area.rb_node vmap_area_root -s vmap_area.va_start -x
tree -t x -r pid_namespace.idr init_pid_ns -s pid.level -d
vm {pid}
vm -m {pid}
vm -p {pid}
vm -v {pid}
vm -R ffffffff {pid}
vm -f 875
vm -P {vma} {pid}
vm -M {mm} {pid}
vm -x {pid}
vm -d {pid}
vm
vtop {task}
vtop linux_banner
vtop -c {pid} {user}
vtop -u {user}
vtop -k {task}
vtop {text}
waitq init_task.signal
whatis task_struct
whatis jiffies
whatis linux_banner
whatis struct list_head
whatis schedule
whatis -o list_head
whatis -r 16
whatis -m mm_struct -r 8
whatis spinlock_t
whatis pid_t
bpf
bpf -p
bpf -m
bpf -P
bpf -M
'''


def commands(facts):
    """The lines for a dump of which FACTS are known; without those that need what it has not."""
    found = []
    for line in LINES.strip().splitlines():
        try:
            found.append(line.format_map(facts))
        except KeyError:
            continue
    return found
