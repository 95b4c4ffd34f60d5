/* limits: every cap of what a stranger may make the webhook hold or do. */
#ifndef WEBHOOK_LIMITS_H
#define WEBHOOK_LIMITS_H

#include <stddef.h>

/* A review holds object and oldObject, each under the API's 3 MiB. */
#define WEBHOOK_MAX_REVIEW ((size_t) 8 << 20)
/* All reviews that are being read together. */
#define WEBHOOK_MAX_REVIEWS ((size_t) 32 << 20)
/* Memory of what the JSON library makes of one of them, and of all together:
 * hostile text takes forty times its bytes. */
#define WEBHOOK_MAX_TREE ((size_t) 64 << 20)
#define WEBHOOK_MAX_TREES ((size_t) 96 << 20)
/* An oldObject that is read only when it is asked for, past that account. */
#define WEBHOOK_MAX_WAITING_OLD ((size_t) 64 << 10)
#define WEBHOOK_MAX_CONNECTIONS 1024
#define WEBHOOK_MAX_ADMIN_CONNECTIONS 64
/* Those, and what the threads, the watches and the claims hold open. */
#define WEBHOOK_DESCRIPTORS                                                \
    (WEBHOOK_MAX_CONNECTIONS + WEBHOOK_MAX_ADMIN_CONNECTIONS + 256)
/* The API server keeps idle connections for 90 s and does not repeat a POST
 * that dies with one: ours must live longer. */
#define WEBHOOK_IDLE_S 130
/* How long the head of a request may drip in; one that is there at once is
 * what the API server sends. */
#define WEBHOOK_HEAD_S 10
#define WEBHOOK_MAX_UID 256

/* Of one answer: bytes of the message, and of all warnings together (the
 * API server cuts them beyond 4096). */
#define WEBHOOK_MAX_MESSAGE ((size_t) 16 << 10)
#define WEBHOOK_MAX_WARNINGS ((size_t) 4096)
/* Room kept for the line that counts the warnings left out. */
#define WEBHOOK_WARNINGS_ROOM ((size_t) 96)

/* Claims that were admitted and that the watch has not shown yet. */
#define WEBHOOK_RESERVE_MS 10000
#define WEBHOOK_MAX_RESERVED 10000

/* Claims in the API server: of one review, and reviews that wait for theirs.
 * The verdict comes well within the webhook's timeout of 5 s. */
#define WEBHOOK_MAX_CLAIMS 500
#define WEBHOOK_MAX_TAKINGS 256
#define WEBHOOK_CLAIM_MS 2500
/* Claims that were written and that no Ingress backs yet: real ones are
 * backed within moments, those of forged reviews never.  And how long one
 * counts: until it may be collected. */
#define WEBHOOK_MAX_UNBACKED 3000
#define WEBHOOK_UNBACKED_MS 70000
#define WEBHOOK_UNBACKED_LOOK_MS 100
/* How long claims that were taken in vain are being given back; whatever is
 * left is collected later. */
#define WEBHOOK_CLAIM_RELEASE_MS 10000
/* Between two looks at a rival whose Ingress is not there yet. */
#define WEBHOOK_CLAIM_PAUSE_MS 25
#define WEBHOOK_CLAIM_MAX_PAUSE_MS 200
/* Before a request is sent again that was not answered or put off. */
#define WEBHOOK_CLAIM_AGAIN_MS 100
/* A list of claims below a wildcard, or of one namespace's Ingresses. */
#define WEBHOOK_MAX_LIST ((size_t) 32 << 20)

#endif /* WEBHOOK_LIMITS_H */
