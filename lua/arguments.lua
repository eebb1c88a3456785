-- Reserves tokens on every limit of a route at once, each at the time of its use, or gives a place in line.
--
-- limiter/internal/bucket explains the rules and is the same algorithm in Go. The plain script serves limits that are
-- configured buckets without a line and without an urgent past; where it cannot, it does nothing and says so. The full script
-- serves everything.
--
-- KEYS[1]   state       hash without TTL: the epoch of the namespace and the levels of its configured limits
-- KEYS[2]   replies     hash with TTL: the reply to the last call of each lane of this replica
-- KEYS[...] places      full script only: the string with TTL of reservations on these limits that were returned; then three for each limit: the string with TTL of a level made at run time, the sorted
--                       set with TTL of a window's starts (member due_us, score their number), the sorted set with TTL of
--                       the line (score: arrival in us)
-- ARGV[1]   lane        text: name of this lane in the fleet, its field of replies
-- ARGV[2]   numbers     text of numbers "seq grants horizon_us lead_us limits reports levels": number of this call, from 1 (a call
--                       that is sent again keeps its number); the highest count of grants the caller saw in the epoch;
--                       how far ahead a reservation may be due; nothing is due sooner than lead_us, 0..horizon_us; how
--                       many limits and reports follow; 1 where the reply is to tell the levels, 2 the tokens left, else 0
-- ARGV[3]   memory      text "4 epoch version ": version of the records, the epoch and the configuration the caller knows
-- ARGV[...] rest        for each limit, narrowest first, the shared one last, two: field (text: limit:... or window:..., the
--                       bucket last; own: before it for a level made at run time) and limit (text "4 tokens per_us burst ":
--                       so many tokens in so many us, at most burst at once, a window is of burst * per_us / tokens us; then
--                       - if a level made at run time begins empty, + and parts of the rate, ppm, if the limit is not known and begins with those, and @ or ~ and a moment of the namespace's own time, us, until which the bucket is closed; with ~ it opens gently); reports
--                       on former reservations, each "r due_us costs" (returned unused) or "s since_us:estimated:actual", the latter for each
--                       limit with commas between (what the call really cost), or "t us limit" (the provider shuts the bucket of the limit
--                       of that number for so many us); asks, each "count costs patience_us urgent age_us": so many calls,
--                       the longest wait (-1 without end), 0 or 1, and how long the oldest has waited; costs is a number for
--                       all limits, or one for each with commas between, 0 for a limit that the call does not pass, not all 0
--
-- Reply: text of words. status (0 done; 1 the reply to this very call, stored before; 2 stale: the call of the number that follows was answered, and is newer;
--        3 refused: the argument of the number that follows is not valid; 4 unknown: the epoch or the version is not that of
--        this memory: configure first; 5 the records have the newer version that follows; 6 only the full script can serve
--        this). Only with 0 and 1 something was done; then follow grants, now_us (the namespace's own time: TIME, but never
--        going back), come_back_us (from now; -1 if nobody waits), busy (1 where the next call needs the full
--        script), where that was asked for a number for each limit (in how many us a bucket is full, how many starts a
--        window has counted, -1 while it is collected what replicas remember of it; or how many tokens it has left), and answers for the asks in order, each count, verdict (1 reserved, 2 refused by patience, 3 waits), at_us
--        (from now) and at_units (1/tokens us) of the first, bound (number of the limit that sets it, 0 for none; then at_units is 1 for a
--        reservation that was returned before)

local state, replies = KEYS[1], KEYS[2]
local lane, numbers, memory = ARGV[1], ARGV[2], ARGV[3]
local keys, rest, first = KEYS, ARGV, 4
