/* What the linker puts in the place of the system's: see the Makefile's --wrap. */
#ifndef TANDEM_SIM_SHIMS_H
#define TANDEM_SIM_SHIMS_H

#include <stdint.h>
#include <sys/types.h>

#include "core/maintenance.h"
#include "core/state.h"

uint64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_wall_ms(void);
ssize_t __wrap_getrandom(void *out, size_t bytes, unsigned flags);
int __wrap_malloc_trim(size_t pad);
struct event_base;
struct err;
struct http_client;
struct tls_files;
int __wrap_http_client_new(
    struct event_base *base, const struct tls_files *tls, struct http_client **out, struct err *e);
void __wrap_http_client_free(struct http_client *c);
void __wrap_log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void __wrap_member_move(enum member_state *verdict, enum member_state to);
void __real_member_move(enum member_state *verdict, enum member_state to);
void __wrap_stage_move(struct state_member *m, enum member_stage to, int64_t wall_ms);
void __real_stage_move(struct state_member *m, enum member_stage to, int64_t wall_ms);
void __wrap_maintenance_move(struct state_drain *d, enum maintenance_state to, int64_t wall_ms);
void __real_maintenance_move(struct state_drain *d, enum maintenance_state to, int64_t wall_ms);
void __wrap_sender_move(
    struct state_sender *s, enum sender_state to, const char *evidence, int64_t wall_ms);
void __real_sender_move(
    struct state_sender *s, enum sender_state to, const char *evidence, int64_t wall_ms);
void __wrap_trial_move(struct state_trial *t, enum trial_state to);
void __real_trial_move(struct state_trial *t, enum trial_state to);

__attribute__((noreturn)) void __wrap___assert_fail(
    const char *expression, const char *file, unsigned line, const char *function);

#endif
