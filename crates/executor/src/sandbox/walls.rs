//! Walls that a process puts up around itself, and that what it starts cannot take down: files and signals by Landlock, system calls
//! by seccomp.

use std::collections::BTreeMap;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
    path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

use super::{Spec, Wall, bubblewrap};

/// The newest version of Landlock that is asked for; an older kernel gives what it has.
const NEWEST: ABI = ABI::V6;
/// Folders in memory that bubblewrap makes.
const IN_MEMORY: [&str; 2] = ["/tmp", "/dev/shm"];
/// Devices that do no harm.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];
/// What programs read of the kernel to know how large the machine is. Nothing of a process: Landlock cannot tell a run's own from others.
const KERNEL: [&str; 6] =
    ["/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/net", "/proc/sys/kernel", "/proc/filesystems"];

/// Puts up the walls of this process.
pub(super) fn put_up(spec: &Spec) -> Result<(), String> {
    match spec.wall {
        Wall::Bubblewrap { .. } => around_namespaces(spec).map_err(|problem| format!("Landlock: {problem}"))?,
        Wall::Landlock => around_files(spec)?,
    }
    around_calls().map_err(|problem| format!("seccomp: {problem}"))
}

/// In namespaces of its own a process sees few files and no other process. What is left is what the mounts do not say: files of the
/// kernel that belong to root, who may be the one that the run is; and sockets without a file, which belong to the network, and that is
/// shared.
fn around_namespaces(spec: &Spec) -> Result<(), landlock::RulesetError> {
    let writable = spec.write.iter().map(|path| path.as_path()).chain(IN_MEMORY.map(Path::new));
    let read = AccessFs::from_read(NEWEST);
    let devices = read | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(["/"], read))?
        .add_rules(path_beneath_rules(["/dev"], devices))?
        .add_rules(path_beneath_rules(writable, AccessFs::from_all(NEWEST)))?
        .restrict_self()?;
    Ok(())
}

fn around_files(spec: &Spec) -> Result<(), String> {
    let failed = |problem: landlock::RulesetError| format!("Landlock: {problem}");
    let read = AccessFs::from_read(NEWEST);
    let devices = read | AccessFs::WriteFile | AccessFs::Truncate;
    let readable = spec.read.iter().chain([&spec.launcher]).map(|path| path.as_path());
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.scope(Scope::AbstractUnixSocket | Scope::Signal))
        .and_then(|rules| rules.create())
        .and_then(|rules| rules.add_rules(path_beneath_rules(bubblewrap::system(), read)))
        .and_then(|rules| rules.add_rules(path_beneath_rules(KERNEL.map(Path::new), read)))
        .and_then(|rules| rules.add_rules(path_beneath_rules(readable, read)))
        .and_then(|rules| rules.add_rules(path_beneath_rules(DEVICES.map(Path::new), devices)))
        .and_then(|rules| rules.add_rules(path_beneath_rules(&spec.write, AccessFs::from_all(NEWEST))))
        .and_then(|rules| rules.restrict_self())
        .map_err(failed)?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err("Landlock: this kernel does not have it".to_owned());
    }
    Ok(())
}

/// System calls that no provider needs and that reach other processes, the kernel, or a terminal.
fn around_calls() -> Result<(), String> {
    let mut refused: BTreeMap<i64, Vec<SeccompRule>> = [
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_fsconfig,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_open_by_handle_at,
        libc::SYS_kexec_load,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
    ]
    .into_iter()
    .map(|call| (call, Vec::new()))
    .collect();
    let failed = |problem: seccompiler::BackendError| problem.to_string();
    let typed = |request: u64| {
        let is_it = SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, request).map_err(failed)?;
        SeccompRule::new(vec![is_it]).map_err(failed)
    };
    // Puts characters into a terminal as if somebody had typed them.
    refused.insert(libc::SYS_ioctl, vec![typed(libc::TIOCSTI)?, typed(libc::TIOCLINUX)?]);
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(failed)?;
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let filter = SeccompFilter::new(refused, SeccompAction::Allow, refuse, arch).map_err(failed)?;
    let program = BpfProgram::try_from(filter).map_err(failed)?;
    seccompiler::apply_filter(&program).map_err(|problem| problem.to_string())
}
