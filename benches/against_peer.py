#!/usr/bin/env python3
"""counterpoise beside PyTorch, torchvision and imbalanced-learn: the same rows, in turns, on one machine.

  against_peer.py --counterpoise BINARY --peer peer_bench.py [--python PYTHON] [--rows R,...] [--folder DIR]
                  [--rounds 3] [--repeats 5] [--threads 2] [--commit ID] [--out docs/benchmarks.md]

Each round times every row once with both programs, one right after the other, and the next round begins with the
other one, so that a machine that slows down slows both.  Both run on the processor with the same number of threads.
Writes a Markdown section: to standard output, or between the marks of the page --out.  docs/benchmarks.md says what
the rows do and what the peer needs.  Python's standard library is enough for this script itself.
"""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

BEGIN, END = '<!-- figures:begin -->', '<!-- figures:end -->'
FOLDER_ROW = 'folder_load'
ROWS = ['classifier_train', 'classifier_infer', 'm2m_generate', 'autoencoder_train', 'autoencoder64_train',
        'cyclegan_train', 'smote', FOLDER_ROW]
# Asked of the Python that runs the peer; a package that is not there is not named.
VERSIONS = '''
import json, platform
from importlib.metadata import PackageNotFoundError, version
found = {"Python": platform.python_version()}
for package in ("torch", "torchvision", "imbalanced-learn", "scikit-learn", "numpy"):
    try:
        found[package] = version(package)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
'''


def fail(message):
    sys.exit(f'against_peer.py: {message}')


def run(command, environment=None):
    """Standard output of a program that must succeed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
    except OSError as error:
        fail(f'{Path(command[0]).name} cannot be run: {error.strerror}')
    if done.returncode != 0:
        fail(f'{Path(command[0]).name} ended with {done.returncode}:\n{done.stderr.strip()}')
    return done.stdout


def json_of(command, environment=None):
    out = run(command, environment)
    try:
        return json.loads(out)
    except json.JSONDecodeError:
        fail(f'{Path(command[0]).name} printed no JSON object: {out[:200]!r}')


def median(values):
    """As both programs take it: of an even number the upper one."""
    return sorted(values)[len(values) // 2]


class Ours:
    name = 'counterpoise'

    def __init__(self, options):
        self.options = options
        self.facts = {}

    def time(self, row):
        o = self.options
        command = [o.counterpoise, 'bench', '--json', '--rows', row, '--threads', str(o.threads),
                   '--repeats', str(o.repeats), '--device', 'cpu']
        if row == FOLDER_ROW:
            command += ['--folder', o.folder]
        got = json_of(command)
        self.facts.update((name, value) for name, value in got.items() if name.startswith('_'))
        return got.get(row)


class Peer:
    name = 'peer'

    def __init__(self, options):
        self.options = options
        self.facts = {}
        # Libraries that count threads by themselves would otherwise take every core for smote.
        self.environment = dict(os.environ)
        for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS'):
            self.environment[name] = str(options.threads)

    def time(self, row):
        o = self.options
        command = [o.python, o.peer, '--json', '--only', row, '--threads', str(o.threads),
                   '--repeats', str(o.repeats)]
        if row == FOLDER_ROW:
            command += ['--folder', o.folder]
        got = json_of(command, self.environment)
        self.facts.update((name, value) for name, value in got.items() if name not in ROWS)
        return got.get(row)


def measure(rows, rounds, ours, peer):
    """{row: [(our milliseconds, the peer's), ...]}, one pair for each round."""
    pairs = {row: [] for row in rows}
    for turn in range(rounds):
        order = (ours, peer) if turn % 2 == 0 else (peer, ours)
        for row in rows:
            times = {}
            for program in order:
                value = program.time(row)
                if not isinstance(value, (int, float)) or value <= 0:
                    fail(f'{program.name} gave no time for the row {row}')
                times[program.name] = float(value)
            pair = times[ours.name], times[peer.name]
            pairs[row].append(pair)
            print(f'round {turn + 1} of {rounds}, {row}: {pair[0]:.1f} ms, peer {pair[1]:.1f} ms', file=sys.stderr)
    return pairs


def processor():
    try:
        for line in Path('/proc/cpuinfo').read_text().splitlines():
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def commit(given):
    if given:
        return given
    try:
        done = subprocess.run(['git', 'rev-parse', '--short=12', 'HEAD'], cwd=Path(__file__).resolve().parent,
                              capture_output=True, text=True)
    except OSError:
        return 'unknown'
    return done.stdout.strip() or 'unknown'


def milliseconds(value):
    return f'{value:,.2f}' if value < 10 else f'{value:,.1f}' if value < 1000 else f'{value:,.0f}'


def section(pairs, options, ours, peer, load):
    versions = json_of([options.python, '-c', VERSIONS])
    program = run([options.counterpoise, '--version']).split()
    facts = [
        f'{datetime.date.today().isoformat()}, {processor()} ({os.cpu_count()} logical cores), {options.threads} '
        f'threads each, {platform.system()}; load of the machine before the run {load}',
        f'counterpoise {program[-1] if program else "?"}, commit {commit(options.commit)}, device '
        f'{ours.facts.get("_device", "?")}, instruction set {ours.facts.get("_instruction_set", "?")}',
        'peer: ' + ', '.join(f'{name} {version}' for name, version in versions.items()),
        f'median of {options.rounds} rounds, each the median of {options.repeats} repeats after one that warms up; '
        'the ratio is peer over counterpoise, in brackets the least and the greatest of a single round',
    ]
    lines = [f'- {fact}' for fact in facts]
    lines += ['', '| row | counterpoise, ms | peer, ms | ratio |', '|---|---:|---:|---:|']
    for row, times in pairs.items():
        mine, theirs = median([a for a, _ in times]), median([b for _, b in times])
        ratios = [b / a for a, b in times]
        lines.append(f'| {row} | {milliseconds(mine)} | {milliseconds(theirs)} | {theirs / mine:.2f} '
                     f'({min(ratios):.2f} to {max(ratios):.2f}) |')
    if FOLDER_ROW in pairs:
        mine, theirs = ours.facts.get('_folder_images'), peer.facts.get('folder_images')
        lines += ['', f'The folder of {FOLDER_ROW} holds {mine} images' +
                  ('.' if mine == theirs else f' for counterpoise and {theirs} for the peer: not the same work.')]
    return '\n'.join(lines) + '\n'


def put_in(page, text):
    old = page.read_text(encoding='utf-8')
    head, found, rest = old.partition(BEGIN)
    _, found_end, tail = rest.partition(END)
    if not found or not found_end:
        fail(f'{page.name} has no place between {BEGIN} and {END}')
    page.write_text(f'{head}{BEGIN}\n{text}{END}{tail}', encoding='utf-8')


def at_least_one(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError('use a whole number of at least 1')
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--counterpoise', required=True, metavar='BINARY')
    parser.add_argument('--peer', required=True, metavar='PATH', help='peer_bench.py')
    parser.add_argument('--python', default=sys.executable, help='a Python that has the packages of the peer')
    parser.add_argument('--rows', help='names with commas; all where it is left out')
    parser.add_argument('--folder', help=f'a folder of class folders, for {FOLDER_ROW}')
    parser.add_argument('--rounds', type=at_least_one, default=3)
    parser.add_argument('--repeats', type=at_least_one, default=5)
    parser.add_argument('--threads', type=at_least_one, default=2)
    parser.add_argument('--commit', help='of the binary; that of this checkout where it is left out')
    parser.add_argument('--out', type=Path, help='a page with the marks; standard output where it is left out')
    options = parser.parse_args()
    rows = options.rows.split(',') if options.rows else [r for r in ROWS if options.folder or r != FOLDER_ROW]
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        parser.error(f'no row {", ".join(unknown)}; use some of {", ".join(ROWS)}')
    if FOLDER_ROW in rows and not options.folder:
        parser.error(f'the row {FOLDER_ROW} needs --folder')
    if options.out and (not options.out.is_file() or BEGIN not in options.out.read_text(encoding='utf-8')):
        # Before the run: it takes minutes.
        parser.error(f'--out must be a page with {BEGIN} and {END}')
    load = f'{os.getloadavg()[0]:.1f}' if hasattr(os, 'getloadavg') else 'unknown'
    ours, peer = Ours(options), Peer(options)
    pairs = measure(rows, options.rounds, ours, peer)
    text = section(pairs, options, ours, peer, load)
    if options.out:
        put_in(options.out, text)
    else:
        print(text, end='')


if __name__ == '__main__':
    main()
