/* Which answers leave together, and what is done when they can not. */
#include "dnsd/bundle.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

static size_t answer_bytes(const struct mmsghdr *m)
{
	return m->msg_hdr.msg_iov->iov_len;
}

/* To the same asker, from the same address, of the same size. */
static bool answers_agree(const struct mmsghdr *a, const struct mmsghdr *b)
{
	const struct msghdr *x = &a->msg_hdr, *y = &b->msg_hdr;
	return answer_bytes(a) == answer_bytes(b) && x->msg_namelen == y->msg_namelen &&
	       x->msg_controllen == y->msg_controllen &&
	       memcmp(x->msg_name, y->msg_name, x->msg_namelen) == 0 &&
	       (x->msg_controllen == 0 ||
	           memcmp(x->msg_control, y->msg_control, x->msg_controllen) == 0);
}

/* The bundle for an answer: one of the last few, or a new one. */
static size_t bundle_choose(struct bundler *b, const struct mmsghdr *answers, size_t answer)
{
	size_t count = b->messages_count;
	size_t oldest = count > BUNDLE_LOOKBACK ? count - BUNDLE_LOOKBACK : 0;
	if (answer_bytes(&answers[answer]) <= BUNDLE_BYTES_MAX)
		for (size_t k = count; k-- > oldest;)
			if (answers_agree(&answers[b->first[k]], &answers[answer]))
				return k;
	b->first[count] = (uint8_t)answer;
	b->messages[count].msg_hdr = answers[answer].msg_hdr;
	b->messages[count].msg_hdr.msg_iovlen = 0;
	return b->messages_count++;
}

/* Tells the kernel where to cut, behind what the first answer's control data say. */
static void bundle_mark(struct bundler *b, size_t k, size_t bytes)
{
	struct msghdr *m = &b->messages[k].msg_hdr;
	size_t before = m->msg_controllen;
	assert(before + CMSG_SPACE(sizeof(uint16_t)) <= sizeof(b->control[k]));
	assert(before == CMSG_ALIGN(before));
	if (before > 0)
		memcpy(b->control[k], m->msg_control, before);
	struct cmsghdr *c = (struct cmsghdr *)(void *)(b->control[k] + before);
	*c = (struct cmsghdr){.cmsg_level = SOL_UDP,
	    .cmsg_type = UDP_SEGMENT,
	    .cmsg_len = CMSG_LEN(sizeof(uint16_t))};
	uint16_t size = (uint16_t)bytes;
	memcpy(CMSG_DATA(c), &size, sizeof(size));
	m->msg_control = b->control[k];
	m->msg_controllen = before + CMSG_SPACE(sizeof(uint16_t));
}

void bundler_pack(struct bundler *b, const struct mmsghdr *answers, size_t count)
{
	assert(count <= BUNDLE_ANSWERS_MAX);
	b->messages_count = 0;
	for (size_t i = 0; i < count; i++) {
		size_t k = bundle_choose(b, answers, i);
		b->bundle[i] = (uint8_t)k;
		b->messages[k].msg_hdr.msg_iovlen++;
	}
	struct iovec *part = b->parts;
	for (size_t k = 0; k < b->messages_count; k++) {
		struct msghdr *m = &b->messages[k].msg_hdr;
		if (m->msg_iovlen > 1)
			bundle_mark(b, k, answer_bytes(&answers[b->first[k]]));
		m->msg_iov = part;
		part += m->msg_iovlen;
		m->msg_iovlen = 0; /* counted again while they come in */
	}
	for (size_t i = 0; i < count; i++) {
		struct msghdr *m = &b->messages[b->bundle[i]].msg_hdr;
		m->msg_iov[m->msg_iovlen++] = *answers[i].msg_hdr.msg_iov;
	}
}

/* Each by itself. How many were not sent. */
static size_t answers_send(int fd, struct mmsghdr *answers, size_t count)
{
	size_t failed = 0;
	for (size_t i = 0; i < count;) {
		int n = sendmmsg(fd, answers + i, (unsigned)(count - i), 0);
		if (n > 0) {
			i += (size_t)n;
		} else if (errno != EINTR) { /* this one can not go out (port 0, no route …) */
			failed++;
			i++;
		}
	}
	return failed;
}

/* A bundle was refused, for itself or for one of its answers: they go out one by one. */
static size_t bundle_unpack(
    struct bundler *b, int fd, struct mmsghdr *answers, size_t count, size_t k)
{
	if (b->messages[k].msg_hdr.msg_iovlen == 1)
		return 1;
	if (errno == EIO) /* a device that makes no checksums, or a tunnel */
		b->alone = true;
	size_t failed = 0;
	for (size_t i = 0; i < count; i++)
		if (b->bundle[i] == k)
			failed += answers_send(fd, &answers[i], 1);
	return failed;
}

size_t bundler_send(struct bundler *b, int fd, struct mmsghdr *answers, size_t count)
{
	if (count < 2 || b->alone)
		return answers_send(fd, answers, count);
	size_t failed = 0;
	bundler_pack(b, answers, count);
	for (size_t k = 0; k < b->messages_count;) {
		int n = sendmmsg(fd, b->messages + k, (unsigned)(b->messages_count - k), 0);
		if (n > 0)
			k += (size_t)n;
		else if (errno != EINTR)
			failed += bundle_unpack(b, fd, answers, count, k++);
	}
	return failed;
}
