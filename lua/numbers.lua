-- Numbers: constants that the scripts share. Every number that a script reads is a whole number below 2^53. Each run
-- creates its functions again, at a cost: a fragment defines few, and each uses few names of others.
local VERSION = 4
local EXACT = 9007199254740991  -- 2^53 - 1: the largest integer that a Lua number holds exactly
local SPAN = 2251799813685248   -- 2^51: the longest distance between two times, in units of a limit
local WIDEST = 1125899906842624 -- 2^50: burst * per and a horizon's tokens of a limit at most
local STILL_US = 1000000        -- how long the namespace's own time stands still at most
local OWED_US = 10000000        -- how much of larger steps back of the clock is made up for later, at most
local WHOLE = 1000000         -- parts of a rate: all of it
local OWN_MS = 60000            -- how long a key outlives its content, ms; and how long a silent replica's replies are kept

local call, format, match, sub, tonumber = redis.call, string.format, string.match, string.sub, tonumber
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min
