-- Publishes a replica's record, notes when it was last seen, by Redis' clock, and returns the order of an operator.
--
-- KEYS[1]  replicas   sorted set with TTL: replica ids by the time of their last heartbeat, in ms
-- KEYS[2]  replica    string with TTL: the record of this replica
-- KEYS[3]  order      string with TTL: what an operator wants this replica to do
-- ARGV[1]  id         text: the replica
-- ARGV[2]  record     text: what it publishes, opaque to this script
-- ARGV[3]  ttl_ms     integer >= 1: ms for which the record is worth reading
-- ARGV[4]  forget_ms  integer >= 1: ms after which a silent replica leaves the set
--
-- Reply: now_us (TIME), and the order, empty for none

local replicas, replica, order = KEYS[1], KEYS[2], KEYS[3]
local id, record, ttl_ms, forget_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local clock = redis.call('TIME')
local now_us = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local now_ms = math.floor(now_us / 1000)

-- The removal comes first: a script that has written may continue when the server's memory is full.
redis.call('ZREMRANGEBYSCORE', replicas, '-inf', string.format('%d', now_ms - tonumber(forget_ms)))
redis.call('SET', replica, record, 'PX', ttl_ms)
redis.call('ZADD', replicas, string.format('%d', now_ms), id)
redis.call('PEXPIRE', replicas, forget_ms)
return { now_us, redis.call('GET', order) or '' }
