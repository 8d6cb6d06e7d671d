/* Giving up what is not needed any more: user, rights, system calls. */
#include "dnsd/privilege.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* The runtime of a sanitizer needs system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_CONFINE false
#else
#define CAN_CONFINE true
#endif

int privilege_forbid_gain(struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set_errno(e, errno, "can not set no-new-privileges");
	return 0;
}

static int user_find(const char *user, const char *group, uid_t *uid, gid_t *gid, struct err *e)
{
	const struct passwd *p = getpwnam(user);
	if (!p)
		return err_set(e, E_NOT_FOUND, "user: no user \"%.64s\" on this machine", user);
	*uid = p->pw_uid;
	*gid = p->pw_gid;
	if (!group)
		return 0;
	const struct group *g = getgrnam(group);
	if (!g)
		return err_set(e, E_NOT_FOUND, "group: no group \"%.64s\" on this machine", group);
	*gid = g->gr_gid;
	return 0;
}

int privilege_user_id(const char *user, uid_t *out, struct err *e)
{
	gid_t gid;
	return user_find(user, NULL, out, &gid, e);
}

int privilege_become(const char *user, const char *group, struct err *e)
{
	uid_t uid = 0;
	gid_t gid = 0;
	if (!user)
		return 0;
	int r = user_find(user, group, &uid, &gid, e);
	if (r != 0)
		return r;
	if (geteuid() == uid && getegid() == gid)
		return 0;
	if (geteuid() != 0)
		return err_set(e, E_DENIED, "user: only root can become \"%.64s\"", user);
	/* glibc takes all threads along. */
	if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return err_set_errno(e, errno, "user: can not become \"%.64s\"", user);
	if (uid != 0 && setresuid(0, 0, 0) == 0)
		return err_set(e, E_IO, "user: became \"%.64s\", but can go back", user);
	return 0;
}

/* What the workers, TCP, the control loop and their libraries ask of the kernel. */
static const int allowed[] = {
    /* sockets; socket(2) itself below */
    SCMP_SYS(recvmmsg), SCMP_SYS(sendmmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom), SCMP_SYS(sendto), SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(connect),
    SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(shutdown), SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(socketpair),
    /* waiting */
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(signalfd4),
    SCMP_SYS(pipe2), SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall),
    /* files: zone files, certificates, the state folder */
    SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(read),
    SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
    SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat),
    SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    SCMP_SYS(getdents64), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
    SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(fchmod), SCMP_SYS(flock), SCMP_SYS(fcntl), SCMP_SYS(ioctl),
    SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(umask), SCMP_SYS(fadvise64),
    SCMP_SYS(inotify_init1), SCMP_SYS(inotify_add_watch),
    /* memory and threads; clone(2) below */
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(mprotect),
    SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
    SCMP_SYS(set_tid_address), SCMP_SYS(arch_prctl), SCMP_SYS(membarrier), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(exit), SCMP_SYS(exit_group),
    SCMP_SYS(prctl),
    /* signals */
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(sigaltstack), SCMP_SYS(tgkill),
    /* facts */
    SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday),
    SCMP_SYS(time), SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid),
    SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(getrusage), SCMP_SYS(times),
    SCMP_SYS(getcpu)};

static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK /* getaddrinfo(3) */};

static int rules_add(scmp_filter_ctx filter)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; r == 0 && i < sizeof(families) / sizeof(families[0]); i++) {
		const struct scmp_arg_cmp family = {
		    .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)families[i]};
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &family);
	}
	/* Threads, but no processes. The flags of clone3 can not be looked at: glibc falls back. */
	const struct scmp_arg_cmp is_thread = {
	    .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = CLONE_THREAD};
	if (r == 0)
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, &is_thread);
	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

int privilege_confine(struct err *e)
{
	if (!CAN_CONFINE)
		return err_set(
		    e, E_UNAVAILABLE, "built with a sanitizer, which seccomp would break");
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return err_set(e, E_UNAVAILABLE, "no memory for a seccomp filter");
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = rules_add(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r == 0 ? 0 : err_set_errno(e, -r, "can not load a seccomp filter");
}
