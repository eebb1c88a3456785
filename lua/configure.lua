-- Notes what a replica wants and what the fleet was told, decides which limits are in force, and begins a new epoch when
-- memory was lost.
--
-- Each replica says every 10 s which limits it was configured with; it counts as live for half a minute, and so does its wish. Of
-- wishes that differ the smallest rate and the smallest burst are in force, unless the fleet was told otherwise. Whenever what is in
-- force changes the version does, and calls that know another are turned away until their replica has been here: so all calls of
-- one version have the same limits.
--
-- A limit that takes more than 12 s from empty to full is slow. Replicas remember what they have heard of slow limits. When such a limit
-- was lost it begins empty, what replicas remember is collected for 11 s, and the best of it is applied once.
--
-- KEYS[1]   state       hash without TTL: epoch "4 id version born superseded", time "4 grants now_us shift_us still_us owed_us", the levels as
--                       acquire has them; told "4 at US" and lines: what the fleet was told and when; force "4" and lines: the
--                       limits in force; lost:FIELD: what is known of a slow limit that was lost
-- KEYS[2]   live        sorted set with TTL: "session replica" by when it was last heard, on the clock by which wishes age
-- KEYS[3]   wishes      hash without TTL: clock "4 heard_us aged_us", and by digest what replicas want: "4 SEEN", "SEEN:REPLICA" of
--                       some who want it, and a line for each limit
-- KEYS[4]   replies     hash with TTL: the replies to this replica, as acquire has them
-- ARGV[1]   epoch       text: the epoch the caller knows, or -
-- ARGV[2]   grants      integer >= 0: the highest count of grants the caller saw in that epoch
-- ARGV[3]   fresh       text: the name of the epoch that begins if memory was lost
-- ARGV[4]   version     integer >= 0: the version that the caller knows, 0 for none
-- ARGV[5]   told        text: what the fleet was told, as far as the caller knows, for a memory that has forgotten it; its moments are of
--                       TIME
-- ARGV[6]   horizon_us  integer >= 0: debt of a limit of which nothing is known
-- ARGV[7]   replica     text: name of the replica, no blanks
-- ARGV[8]   session     text: of the process, no blanks; a process that restarts under its name is another
-- ARGV[9]   leaving     0 or 1: it ends, and is live no longer
-- ARGV[10]  digest      text: of wish
-- ARGV[11]  wish        text: the limits it was configured with, sorted lines "field tokens per_us burst"
-- ARGV[12]  empty       text: fields of limits, with blanks between, that begin empty where nobody has used them; others begin full
-- ARGV[13]  known       text: digest of forced
-- ARGV[14]  forced      text: the limits that were in force when the caller last heard of them, lines like those of wish
-- ARGV[15]  reports     text: what the caller remembers of slow limits, lines "field tokens per_us burst epoch grants" and, of a bucket,
--                       in how many us it is full; of a window, "number:us" for starts: so many were due until so many us from now
-- ARGV[...] change      the rest, lines to be told to the fleet, each one argument: "limit BUCKET FIELD TOKENS PER BURST"
--                       and "opens BUCKET US" and perhaps the name of the replica whose provider asked for that (nothing is due for so many us from now, 0 opens it; what was told then names that
--                       moment of the namespace's own time, at which the bucket is empty; one that is later stays); limits
--                       replace what was told of the bucket; "limit BUCKET" and "opens BUCKET" alone withdraw it. "shadowed BUCKET on" says
--                       that the bucket delays nobody. "spent BUCKET THOUSANDTHS" says that a
--                       replica was without this memory, and went on with a share of the bucket: it is empty now, and so many thousandths of tokens
--                       more are taken, for what the replica still spends; a window is shut for its length. "level BUCKET TOKENS" has the limits of the bucket that are no windows hold so many tokens now, and "unlearn BUCKET" has them forget what they have learnt
--
-- Reply: six texts: "now_us time_us grants version live former began collects_us epoch" (the namespace's own time, and TIME; number of
--        live replicas; the version of the records that were found, 0 for none; 1 where this call began a namespace, 2 where it
--        found that memory was lost; for how long reports are collected), told, force, lines of the slow limits "field tokens per_us
--        burst" and in how many us a bucket is full or how many starts a window has counted, what replicas want of the buckets
--        about which they disagree, lines "bucket n" and n names and limits "field tokens per_us burst", and lines "field us" of the
--        slow limits that were recovered, each with the us by which it is full sooner. Or, where nothing was done: the number of an
--        argument that is not valid; the text "newer N" if the records have the newer version N

local state, live, wishes, replies = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local epoch, grants, fresh, version, told, horizon_us = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local replica, session, leaving, digest, wish, empty = ARGV[7], ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local known, forced, reports = ARGV[13], ARGV[14], ARGV[15]
local rest, first = ARGV, 16
