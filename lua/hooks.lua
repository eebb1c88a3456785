-- Hooks: functions that only the full script has. In the plain script they are nil: there is no line, and nothing was
-- returned.
local own_level, new_level, share_of, enter, window_token, window_left, window_charge, ahead_of, told_of, take_spare
local learnt_of, learnt_text, open_gently, price_for
local note_charge, lower_eras, set_level, settle_call
local spares, held_at, held_key, held_tokens, late, come_back, place_now, busy
