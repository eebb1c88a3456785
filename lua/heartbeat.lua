-- Publishes a replica's snapshot and notes when it was last seen, by Redis' clock.
--
-- KEYS[1]  replicas   sorted set with TTL: replica ids by the time of their last heartbeat, in ms
-- KEYS[2]  replica    string with TTL: the snapshot of this replica
-- ARGV[1]  id         text: the replica
-- ARGV[2]  snapshot   text: what it has to say, opaque to this script
-- ARGV[3]  ttl_ms     integer >= 1: ms for which the snapshot is worth reading
-- ARGV[4]  forget_ms  integer >= 1: ms after which a silent replica leaves the set
--
-- Reply: now_us (TIME)

local replicas, replica = KEYS[1], KEYS[2]
local id, snapshot, ttl_ms, forget_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local clock = redis.call('TIME')
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now_ms = math.floor(now_us / 1000)

redis.call('SET', replica, snapshot, 'PX', ttl_ms)
redis.call('ZADD', replicas, string.format('%d', now_ms), id)
redis.call('ZREMRANGEBYSCORE', replicas, '-inf', string.format('%d', now_ms - tonumber(forget_ms)))
redis.call('PEXPIRE', replicas, forget_ms)
return now_us
