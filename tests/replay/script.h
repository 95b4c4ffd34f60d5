/* script: the language of *.rpl files.
 *
 * One command a line; "#" begins a comment.  Only settle, advance, start,
 * restart and churn run the reconciler; everything else prepares what it
 * will meet.  Whenever it ran, four properties are checked by themselves:
 *   - the incremental state equals one computed anew (app_compare()): at the
 *     end of each advance, and before it when an object came, the plan became
 *     another or HAProxy confirmed (the bookmark of each minute is nothing);
 *   - no address is written to an Ingress of which HAProxy serves no host,
 *     and none is taken from one that it serves;
 *   - a confirmed plan, brought to HAProxy by its dirty items alone, equals
 *     the plan; and no turn leads to another for ever;
 *   - no status and no Event is written before HAProxy got what the turn
 *     brought.
 *
 * Start and time
 *   flags WORDS...            of sallyport-reconciler, before "start"
 *   start | stop              stop kills it: nothing is given back
 *   restart [graceful]        graceful: the Lease is given back first
 *   settle                    until nothing is due at the present time
 *   advance 500ms|3s|2m       lets time pass
 *   date +14d|+3h|-1d         the wall clock is set
 *   no-compare WHY            history on purpose, until "compare"
 *   no-sweep WHY              the end depends on failures of the script
 * Objects
 *   put                       YAML documents until a line "end"
 *   class NAME [CONTROLLER]   an IngressClass, ours by default
 *   service NS/NAME ADDRESS...    port 80 "web", to 8080 of a slice NAME-1
 *   ingress NS/NAME HOST/PATH SERVICE [HOST/PATH SERVICE]... [OPTION...]
 *                             Prefix rules; class=NAME (sallyport),
 *                             created=TIME, tls=SECRET (of the first host),
 *                             @ANNOTATION=VALUE (no blanks)
 *   put-tls NS/NAME HOST,... [days=N]   a TLS Secret, valid from now for N
 *                             days, else for years; "bad": no certificate
 *   put-named NS/NAME HOST [must-staple]    one with a new certificate that
 *                             names a responder of OCSP, and its issuer
 *   delete KIND KEY
 * API server
 *   api down|up               nobody listens
 *   api freeze|thaw           it accepts and says nothing
 *   api fail OP KIND HOW [retry-after S] [times N] [skip N]
 *                             OP list watch patch event lease probe object *
 *                             KIND Ingress ... *, or KIND/NS
 *                             HOW a status, reset, lost (done, but the
 *                             answer is lost), hang, garbage
 *   hold OP KIND | release    requests wait for an answer
 *   watch cut|end|bookmark [KIND]
 *   watch error CODE [KIND]   an ERROR event
 *   watch line KIND TEXT      a line as it is
 *   compact [event]           old versions are gone: 410, as status or event
 *   server restored           from an old backup: versions start again
 *   page-size N               of lists
 *   lease taken-by NAME | lease left
 *   claim HOST NS/NAME        written now by a webhook, into namespace sys
 * Responder of OCSP
 *   responder good|revoked|unknown|garbage|down|hang   at first it is down
 * HAProxy
 *   haproxy hold|confirm|down|up|restart|fail N
 *   haproxy unanswered HOST N WHY   N requests more for HOST/ got no verdict
 * Answers
 *   forget                    what was counted so far, and Events
 *   expect status KEY ADDRESS...|none
 *   expect writes N | no-write           since the last of these
 *   expect event KEY REASON [TEXT] | no-event KEY [REASON]
 *   expect route http|https KEY ACTION...   as plan_dump() prints it
 *   expect no-route http|https KEY
 *   expect servers NS/SERVICE ADDRESS:PORT[/drain]...|none
 *   expect line TEXT | no-line TEXT      beginning of a line of the dump
 *   expect plan               the whole dump until "end", without the
 *                             certificate made at start
 *   expect ready|not-ready|alive|not-alive
 *   expect requests OP KIND N
 *   expect metric SERIES N
 *   expect looks N            at what HAProxy counted, since "forget"
 *   expect lease NAME|us      who holds it
 *   expect stapled KEY good|revoked|none    to the certificate of a Secret
 *   expect claims HOST...|none    these and no others
 *   expect object KIND KEY TEXT     the API server's has this text
 *   expect no-object KIND KEY [TEXT]
 * At random
 *   churn N SEED              N changes, settling after each
 * As days are
 *   hours N                   of churn; as much is there after each of them
 */
#ifndef TESTS_REPLAY_SCRIPT_H
#define TESTS_REPLAY_SCRIPT_H

#define SCRIPT_MAX_WORDS 32

#endif /* TESTS_REPLAY_SCRIPT_H */
