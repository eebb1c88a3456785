-- Records what a replica wants and what was set for the fleet, decides which limits are in force, and begins a new epoch when
-- memory was lost.
--
-- Each replica announces every 10 s which limits it was configured with. It counts as live for half a minute, and so does its
-- wish. If wishes differ, the smallest rate and the smallest burst are in force, unless other limits were set for the fleet.
-- Whenever what is in force changes, so does the version. Calls of another version are rejected until their replica has called
-- configure: so all calls of one version have the same limits.
--
-- A limit that takes more than 12 s from empty to full is slow. Replicas remember the state of slow limits. When such a limit
-- was lost it begins empty, what replicas remember is collected for 11 s, and the best of it is applied once.
--
-- KEYS[1]   state       hash without TTL: epoch "4 id version born superseded", time "4 grants now_us shift_us still_us owed_us",
--                       the levels as acquire has them; told "4 at US" and lines: what was set for the fleet and when; force "4"
--                       and lines: the limits in force; lost:FIELD: what is known of a slow limit that was lost
-- KEYS[2]   live        sorted set with TTL: "session replica" by the last announcement, on the clock by which wishes age
-- KEYS[3]   wishes      hash without TTL: clock "4 heard_us aged_us", and by digest what replicas want: "4 SEEN", "SEEN:REPLICA"
--                       of some replicas that want it, and a line for each limit
-- KEYS[4]   replies     hash with TTL: the replies to this replica, as acquire has them
-- ARGV[1]   epoch       text: the epoch that the caller knows, or -
-- ARGV[2]   grants      integer >= 0: the highest count of grants that the caller saw in that epoch
-- ARGV[3]   fresh       text: the name of the epoch that begins if memory was lost
-- ARGV[4]   version     integer >= 0: the version that the caller knows, 0 for none
-- ARGV[5]   told        text: what was set for the fleet, as far as the caller knows, for a memory that has forgotten it; its
--                       moments are of TIME
-- ARGV[6]   horizon_us  integer >= 0: debt of a limit of which nothing is known
-- ARGV[7]   replica     text: name of the replica, no blanks
-- ARGV[8]   session     text: of the process, no blanks; a process that restarts under the same name has another
-- ARGV[9]   leaving     0 or 1: the replica ends and is no longer live
-- ARGV[10]  digest      text: of wish
-- ARGV[11]  wish        text: the limits that the replica was configured with, sorted lines "field tokens per_us burst"
-- ARGV[12]  empty       text: fields of limits, with blanks between, that begin empty if nobody has used them; others begin full
-- ARGV[13]  known       text: digest of forced
-- ARGV[14]  forced      text: the limits in force by the last reply to the caller, lines like those of wish
-- ARGV[15]  reports     text: what the caller remembers of slow limits, lines "field tokens per_us burst epoch grants" and, for a
--                       bucket, in how many us it is full; for a window, "number:us" for starts: this many were due until us from
--                       now
-- ARGV[...] change      changes for the fleet, each one argument. "limit BUCKET FIELD TOKENS PER BURST", in lines, replaces the
--                       limits of the bucket. "opens BUCKET US" and perhaps the name of the replica whose provider asked for that:
--                       nothing is due for US us from now, 0 opens the bucket; it is stored with a moment of the namespace's own
--                       time, at which the bucket is empty; a later stored moment stays. "limit BUCKET" and "opens BUCKET" alone
--                       withdraw them. "shadowed BUCKET on": the bucket delays nobody. "spent BUCKET THOUSANDTHS": a replica was
--                       without this memory, and used a share of the bucket: the bucket is empty now, and so many thousandths of
--                       tokens more are taken, for what the replica still spends; a window is shut for its length. "level BUCKET
--                       TOKENS": the limits of the bucket, except windows, hold so many tokens now. "unlearn BUCKET": the limits
--                       forget what they have learnt
--
-- Reply: six texts: "now_us time_us grants version live former began collects_us epoch" (the namespace's own time, and TIME;
--        number of live replicas; the version of the stored records, 0 for none; 1 if this call began a namespace, 2 if it found
--        that memory was lost; how long reports are collected), told, force, lines of the slow limits "field tokens per_us burst"
--        and in how many us a bucket is full or how many starts a window has counted, what replicas want of disputed buckets,
--        lines "bucket n" and n names and limits "field tokens per_us burst", and lines "field us" of the slow limits that were
--        recovered, each with the us by which it is full sooner. Or, if nothing was done: the number of an argument that is not
--        valid; the text "newer N" if the records have the newer version N

local state, live, wishes, replies = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, grants, fresh, version, told, horizon_us = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local replica, session, leaving, digest, wish, empty = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local known, forced, reports = ARGV[13], ARGV[14], ARGV[15]
local rest, first = ARGV, 16
