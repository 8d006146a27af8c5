//! The probes: each is a program for `sh` that ends with 0 if it got something.
//!
//! They know where the server's data is (`DATA`), its process (`SERVER`), the folder around it (`NEARBY`) and a socket without a file
//! (`SOCKET`). What reaches for the kernel is written in Python, because its library has the calls.

/// One way out.
pub(super) struct Probe {
    pub(super) name: &'static str,
    pub(super) script: &'static str,
}

const fn probe(name: &'static str, script: &'static str) -> Probe {
    Probe { name, script }
}

/// Those that would change the machine if they were not kept in.
pub(super) const ONLY_INSIDE: [&str; 4] = ["set_the_clock", "own_bookkeeping", "provider_of_others", "survivor"];

/// Ways out that use up nothing.
pub(super) const PROBES: &[Probe] = &[
    // The server's secrets.
    probe("server_environ", r#"tr '\0' '\n' <"/proc/$SERVER/environ" | grep '^RUST_BACKTRACE'"#),
    probe("every_environ", r#"cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep '^RUST_BACKTRACE'"#),
    probe("parent_environ", r#"tr '\0' '\n' <"/proc/$PPID/environ" | grep '^RUST_BACKTRACE'"#),
    probe("server_memory", r#"head -c 1 "/proc/$SERVER/mem" || ls "/proc/$SERVER/fd" | grep ."#),
    probe("server_root", r#"ls "/proc/$SERVER/root/" | grep . || ls "/proc/1/root$DATA/objects" | grep ."#),
    probe("database", r#"head -c 15 "$DATA/multispace.db" | grep -a SQLite"#),
    probe("key", r#"head -c 1 "$DATA/key" | od | grep -v '^0000000$'"#),
    probe("owner_token", r#"grep token "$DATA/cli.tfrc""#),
    probe("objects", r#"ls "$DATA/objects" | grep ."#),
    probe("logs", r#"ls "$DATA/logs" | grep ."#),
    probe("another_run", r#"grep swordfish "$DATA/runs/run-another/cli.tfrc""#),
    probe("list_of_runs", r#"ls "$DATA/runs" | grep run-another"#),
    probe("own_bookkeeping", r#"echo '{}' >"${TMPDIR%/tmp}/phase.json" && test -e "${TMPDIR%/tmp}/lock""#),
    probe("own_log", r#"cat "${TMPDIR%/tmp}/log/apply""#),
    probe("secrets_of_the_run", r#"cat "${TMPDIR%/tmp}/secrets""#),
    // Other people's providers.
    probe(
        "provider_of_others",
        r#"for file in $(find "$DATA/providers" -type f); do echo x >>"$file" && exit 0; done; exit 1"#,
    ),
    probe("kept_by_init", r#"echo x >>"$DATA/initialised/kept/provider""#),
    probe("own_configuration", r#"echo x >>"$TF_CLI_CONFIG_FILE""#),
    // The rest of the machine.
    probe("home", r#"grep swordfish "$NEARBY/credentials""#),
    probe("shadow", "grep root /etc/shadow"),
    probe("home_of_root", "ls -A /root | grep ."),
    probe("write_usr", "echo x >/usr/multispace-jailbreak && rm /usr/multispace-jailbreak"),
    probe("write_etc", "echo x >/etc/multispace-jailbreak && rm /etc/multispace-jailbreak"),
    probe("write_top", "echo x >/multispace-jailbreak && rm /multispace-jailbreak"),
    probe("symlink_out", r#"ln -s "$DATA/key" ./key-link && cat ./key-link"#),
    probe("hard_link_out", r#"ln "$DATA/key" ./key-hard && cat ./key-hard"#),
    probe("dots_out", r#"ls ../../phase.json || cat "../../../run-another/cli.tfrc""#),
    probe(
        "host_socket",
        r#"python3 -c 'import socket,os; socket.socket(socket.AF_UNIX).connect(os.environ["NEARBY"]+"/host.sock")'"#,
    ),
    probe(
        "abstract_socket",
        r#"python3 -c 'import socket,os; socket.socket(socket.AF_UNIX).connect("\0"+os.environ["SOCKET"])'"#,
    ),
    probe("sockets_in_run", "find /run /var/run -type s | grep ."),
    probe(
        "metadata",
        r#"python3 -c '
import socket
s = socket.socket()
s.settimeout(5)
try: s.connect(("169.254.169.254", 80))
except PermissionError: raise SystemExit(1)
except OSError: pass' # Whether somebody is there is the network's business.
"#,
    ),
    probe(
        "metadata_of_others",
        r#"python3 -c '
import socket
s = socket.socket(socket.AF_INET6)
s.settimeout(5)
try: s.connect(("::1", 80))
except PermissionError: raise SystemExit(1)
except OSError: pass'
"#,
    ),
    // Processes.
    probe("kill_the_server", r#"kill -0 "$SERVER""#),
    probe("sees_the_server", r#"tr '\0' ' ' <"/proc/$SERVER/cmdline" | grep 'serve --listen'"#),
    probe(
        "trace_the_server",
        r#"python3 -c 'import ctypes,os,sys; sys.exit(ctypes.CDLL(None).ptrace(0x4206, int(os.environ["SERVER"]), 0, 0) != 0)'"#,
    ),
    probe(
        "trace_a_child",
        r#"python3 -c '
import ctypes, os, signal, sys, time
child = os.fork()
if child == 0: time.sleep(60)
got = ctypes.CDLL(None).ptrace(16, child, 0, 0)
os.kill(child, signal.SIGKILL)
sys.exit(got != 0)'"#,
    ),
    probe(
        "survivor",
        r#"python3 -c '
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(3): os.close(fd)
        time.sleep(3600)
    os._exit(0)
os.wait()'; exit 1"#,
    ),
    probe(
        "lock_of_the_folder",
        "python3 -c 'import os,sys; sys.exit(not os.readlink(\"/proc/self/fd/0\").endswith(\"/lock\"))' </proc/$PPID/fd/0",
    ),
    // The kernel.
    probe("kernel_messages", "dd if=/dev/kmsg count=1 2>/dev/null | grep ."),
    probe("disks", "ls /dev | grep -E '^(vd|sd|nvme|mem|kmem|port|fuse|kvm|loop)'"),
    probe("make_a_device", "mknod ./zero c 1 5"),
    probe("mount", "mkdir -p m && mount -t tmpfs none m"),
    probe("namespace_of_users", "unshare -U true"),
    probe("chroot", "python3 -c 'import os; os.chroot(\"/\")'"),
    probe("another_user", "python3 -c 'import os; os.setgroups([]); os.setuid(65534)'"),
    probe("capabilities", "grep '^CapEff' /proc/self/status | grep -v '0000000000000000$'"),
    probe("core_dump", "test \"$(ulimit -H -c)\" != 0"),
    probe(
        "kernel_settings",
        "test -w /proc/sys/kernel/core_pattern && python3 -c 'open(\"/proc/sys/kernel/core_pattern\", \"r+\")'",
    ),
    probe(
        "own_kernel_file",
        "for file in /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/irq/default_smp_affinity; do (exec 3>>$file) && exit 0; done; exit 1",
    ),
    probe("sysrq", "python3 -c 'open(\"/proc/sysrq-trigger\", \"w\")'"),
    probe("sys", "ls /sys/class | grep ."),
    probe("control_groups", "ls -d /sys/fs/cgroup/*"),
    probe("name_of_the_host", "python3 -c 'import socket; socket.sethostname(socket.gethostname())'"),
    probe("set_the_clock", "python3 -c 'import time; time.clock_settime(time.CLOCK_REALTIME, time.time())'"),
    probe(
        "keys_of_the_kernel",
        r#"python3 -c '
import ctypes, platform, sys
keyctl = {"x86_64": 250, "aarch64": 219}[platform.machine()]
sys.exit(ctypes.CDLL(None).syscall(keyctl, 0, -3, 1) < 0)'"#,
    ),
    probe(
        "programs_in_the_kernel",
        r#"python3 -c '
import ctypes, platform, sys
bpf = {"x86_64": 321, "aarch64": 280}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(bpf, 0, 0, 0)
sys.exit(ctypes.get_errno() == 1)'"#,
    ),
    probe(
        "type_into_a_terminal",
        r#"python3 -c '
import fcntl, os, sys, termios
upper, lower = os.openpty()
if os.fork() == 0:
    os.setsid()
    fcntl.ioctl(lower, termios.TIOCSCTTY, 0)
    try: fcntl.ioctl(lower, termios.TIOCSTI, b"x")
    except OSError: os._exit(1)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))'"#,
    ),
    probe("terminal_of_the_server", "echo x >/dev/tty"),
];

/// Ways to use up the machine, or to end it.
pub(super) const HEAVY: &[Probe] = &[
    // Everything of its own too.
    probe("kill_every_process", "kill -9 -1; kill -9 1; sleep 0.1; exit 1"),
    probe(
        "a_thousand_processes",
        r#"python3 -c '
import os, sys, time
for number in range(1000):
    try: child = os.fork()
    except OSError: sys.exit(1)
    if child == 0:
        time.sleep(600)
        os._exit(0)
'"#,
    ),
    probe("a_long_file", "head -c 200M /dev/zero >long"),
    probe("much_memory", "python3 -c 'b = bytearray(100 << 30)'"),
    probe("more_memory_than_allowed", "python3 -c 'b = bytearray(b\"x\") * (900 << 20)'"),
    probe("files_in_memory", "head -c 200M /dev/zero >/dev/shm/long || head -c 200M /dev/zero >/tmp/long"),
];
