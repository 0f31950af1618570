# SPDX-License-Identifier: GPL-2.0-or-later
"""bt against the kernel's own words.

When a kernel dies it prints its stack; make-truth has put that into a core's .truth.json.  compare() says
where the traces of bt differ from the kernel's reliable lines ("? function" lines are not reliable):
function, offset and module of every frame from the first exception or report frame outwards, and the
registers of that exception.

    bt_truth.py INQUEST TRUTH CORE...     compare by hand (all CPUs and all reported tasks)
"""
import json
import re
import subprocess
import sys

# Printing the report has returned by the time of the dump; panic() has gone on.
PRINTERS = {'dump_stack_lvl', 'dump_stack', 'show_stack', 'show_stack_print_info', 'sched_show_task',
            'sched_show_task.cold', '__dump_stack'}
PANIC = {'panic', 'vpanic'}
CONTEXT = {'TASK': 'task', 'IRQ': 'irq', 'SOFTIRQ': 'irq', 'NMI': 'nmi', '#DF': 'double_fault',
           '#MC': 'mce', '#DB': 'debug', '#VC': 'vc', 'ENTRY_TRAMPOLINE': 'entry'}


def reports(truth):
    """All traces of the log as (title, who, rip, chain of reliable frames), the chosen one first."""
    found = []
    if truth.get('call_chain'):
        found.append((truth.get('report') or '', truth.get('task'), rip_of(truth), truth['call_chain']))
    for r in truth.get('traces', []):
        chain = [f for f in r['trace'] if not f.get('unreliable')]
        if r.get('rip'):
            chain.insert(0, dict(r['rip']))
        if chain:
            found.append((r['title'], r.get('who'), rip_of(r), chain))
    return found


def rip_of(report):
    """Where the exception was: a function, or the address of a call that went nowhere; None without one."""
    if report.get('rip'):
        return report['rip']
    return {'function': None, 'address': report['rip_address']} if report.get('rip_address') else None


def is_at(frame, rip):
    if rip['function'] is None:
        return int(frame['ip'], 16) == int(rip['address'], 16)
    return frame['function'] == rip['function'] and frame['offset'] == int(rip['offset'], 16)


def is_about(title, who, task):
    """Is the report about this task, as bt shows it?"""
    hung = re.search(r'task:(.+?) +state:\S+ .*?\bpid:(\d+)', title)
    if hung:
        return int(hung.group(2)) == task['pid']
    if not who or who['pid'] != task['pid']:
        return False
    # There is an idle task on each CPU, all with pid 0.
    return who['pid'] != 0 or who.get('cpu') == task['cpu']


def live_reports(truth, task):
    """The reports whose frames are still on the stack of the task.

    A hung task's is, as the task sleeps on.  Of a task that died, the last one is: after a warning it
    had gone on.
    """
    mine = [r for r in reports(truth) if is_about(r[0], r[1], task)]
    # One that was not asleep went on.
    hung = [r for r in mine if r[0].startswith('task:') and not re.search(r' +state:R\b', r[0])]
    mine = [r for r in mine if not r[0].startswith('task:')]
    if hung:
        return hung[-1:] if not task.get('running') else []
    panics = [r for r in mine if r[0].startswith('Kernel panic')]
    # A soft lockup is a warning, unless it made the kernel panic: the task went on in its loop.
    oopses = [r for r in mine if r[2] and r not in panics and
              not (truth.get('panic') and r[0].startswith('watchdog: BUG: soft lockup'))]
    if not task.get('running', True):
        return []
    # A panic's own trace holds the exception that led to it, if one did.
    return panics[-1:] or oopses[-1:]


def kernel_frames(task):
    return [f for f in task['frames'] if not f['inline'] and f['context'] != 'user']


def find_start(frames, rip, chain):
    # The kernel's trace lacks an exception that was nowhere: it begins at the caller.
    behind = 1 if rip and rip['function'] is None else 0
    for i, f in enumerate(frames):
        if rip:
            if f['exception'] and is_at(f, rip):
                return i + behind
        elif f['function'] == chain[0]['function']:
            return i
    # The registers of a kernel that saved them itself: the exception is the innermost frame.
    if rip and frames and is_at(frames[0], rip):
        return behind
    return None


def frame_text(function, offset, module):
    return f'{function}+{offset:#x}' + (f' [{module}]' if module else '')


def compare_frame(want, got, first):
    """Differences of one frame."""
    if want['function'] is None:
        return [] if int(got['ip'], 16) == int(want['address'], 16) and got['reliable'] else \
            [f'frame {got["n"]}: {got["ip"]}, the kernel says {want["address"]}']
    # A return address at the very end of a function, as nothing returns to: it is the start of a trampoline
    # (of kretprobes), that the next symbol names and the kernel prints as it is.
    if want['offset'] == want.get('size') and not first:
        return [] if got['reliable'] else [f'frame {got["n"]} is marked unreliable']
    said = frame_text(want['function'], int(want['offset'], 16), want.get('module'))
    have = frame_text(got['function'], got['offset'] or 0, got['module'])
    # Inside panic() the kernel went on after it had printed its trace.
    if first and want['function'] in PANIC and got['function'] == want['function']:
        have = said
    found = []
    if said != have:
        found.append(f'frame {got["n"]}: {have}, the kernel says {said}')
    if not got['reliable']:
        found.append(f'frame {got["n"]}: {have} is marked unreliable')
    # The kernel prints the registers of an exception on the stack that they were saved on.
    context = CONTEXT.get(want.get('context'))
    if context and not want.get('exception_frame') and not got['exception'] and got['context'] != context:
        found.append(f'frame {got["n"]}: {have} in context {got["context"]}, the kernel says {context}')
    return found


def complete(chain):
    """Does the kernel's trace end where traces end?  It gives up where it meets a foreign stack."""
    return bool(re.match(r'(entry_|ret_from_fork|secondary_startup|start_secondary|asm_|x86_64_start)',
                         chain[-1]['function'] or ''))


def compare_report(report, task, serial):
    title, _, rip, chain = report
    while chain and chain[0]['function'] in PRINTERS:
        chain = chain[1:]
    frames = kernel_frames(task)
    if not chain:
        return []
    start = find_start(frames, rip, chain)
    if start is None:
        return [f'no frame {chain[0]["function"]}+{chain[0].get("offset")} for "{title[:60]}"']
    got = frames[start:]
    found = []
    if serial and rip and rip['function'] is None and start and frames[start - 1]['exception']:
        found += compare_registers(serial, rip, frames[start - 1]['exception'])
    for n, (w, g) in enumerate(zip(chain, got)):
        found += compare_frame(w, g, n == 0)
        if serial and g['exception']:
            found += compare_registers(serial, w, g['exception'])
    if len(got) < len(chain):
        found.append('missing: ' + ', '.join(str(f['function']) for f in chain[len(got):]))
    if len(got) > len(chain) and complete(chain):
        found.append('too many: ' + ', '.join(str(f['function']) for f in got[len(chain):]))
    return found


def log_registers(serial, rip):
    """The registers that the kernel printed below each 'RIP: 0010:function+offset'."""
    blocks, regs = [], None
    if rip['function'] is None:
        head = re.compile(r'RIP: 0010:%s$' % rip['address'])
    else:
        head = re.compile(r'RIP: 0010:%s\+%s/' % (re.escape(rip['function']), rip['offset']))
    for line in serial.splitlines():
        line = re.sub(r'^\[\s*\d+\.\d+\](\[[^\]]*\])? ?', '', line)
        if 'RIP: ' in line:
            regs = {} if head.search(line) else None
            if regs is not None:
                blocks.append(regs)
            continue
        if regs is None:
            continue
        m = re.match(r'\s*RSP: 0018:([0-9a-f]+) EFLAGS: ([0-9a-f]+)', line)
        if m:
            regs['rsp'], regs['rflags'] = int(m.group(1), 16), int(m.group(2), 16)
            continue
        pairs = re.findall(r'\b(R[A-Z0-9]{1,2}): ?([0-9a-f]{16})\b', line)
        for name, value in pairs:
            regs[re.sub('^r0', 'r', name.lower())] = int(value, 16)
        if not pairs and not line.lstrip().startswith('Code:'):
            regs = None
    return [r for r in blocks if len(r) > 2]


def compare_registers(serial, rip, exception):
    """An exception's registers against the log; where the same place is in it twice, either will do."""
    best = None
    for block in log_registers(serial, rip):
        found = []
        for name, value in block.items():
            if name not in exception:
                found.append(f'{name} of the exception is missing')
            elif int(exception[name], 16) != value:
                found.append(f'{name} at {rip["function"]} is {exception[name]}, the kernel says {value:#x}')
        if best is None or len(found) < len(best):
            best = found
    return best or []


def compare(truth, bt_json, serial=None):
    """Differences between bt's traces (its JSON object, or the "result" of it) and the log: a list of texts."""
    result = bt_json.get('result', bt_json)
    found = []
    for task in result['tasks']:
        for report in live_reports(truth, task):
            found += [f'task {task["pid"]}: {d}' for d in compare_report(report, task, serial)]
    return found


def comparable(truth, bt_json):
    """How many of bt's traces the log has something to say about."""
    result = bt_json.get('result', bt_json)
    return sum(1 for t in result['tasks'] if live_reports(truth, t))


def reported_pids(truth):
    """The tasks that the log has a trace of, for asking bt."""
    pids = set()
    for title, who, _, _ in reports(truth):
        hung = re.search(r'task:(.+?) +state:\S+ .*?\bpid:(\d+)', title)
        if hung:
            pids.add(int(hung.group(2)))
        elif who and who['pid']:
            pids.add(who['pid'])
    return sorted(pids)


def main(inquest, truth_path, cores):
    truth = json.load(open(truth_path))
    try:
        serial = open(re.sub(r'\.truth\.json$', '.serial.txt', truth_path), errors='replace').read()
    except OSError:
        serial = None
    pids = ' '.join(str(p) for p in reported_pids(truth))
    # A pid that is gone must not hide the others.
    commands = ['bt -a'] + [f'bt {p}' for p in pids.split()]
    p = subprocess.run([inquest, '-s', '--json', '-c', '; '.join(commands)] + cores,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    tasks = {}
    for line in p.stdout.splitlines():
        for t in json.loads(line).get('result', {}).get('tasks', []):
            tasks[t['task']] = t
    result = {'tasks': list(tasks.values())}
    found = compare(truth, result, serial)
    print(f'{cores[0]}: {comparable(truth, result)} compared, {len(found)} differences')
    for d in found:
        print('  ' + d)
    return bool(found) or not tasks


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
