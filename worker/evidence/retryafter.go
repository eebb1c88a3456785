package evidence

import "time"

// retryAfter returns the wait of Retry-After and similar headers, and whether there was a readable one. Milliseconds
// count before seconds, because servers that send both round the seconds up. Of several values of one header the
// longest counts.
func retryAfter(fields []field, c clock) (after time.Duration, asked bool) {
	for _, f := range fields {
		if f.part > retry {
			break
		}
		for v := range f.all() {
			d, ok := c.wait(v)
			if f.part == retryMS {
				d, ok = milliseconds(v)
			}
			if ok {
				after, asked = max(after, d), true
			}
		}
		if asked {
			break
		}
	}
	return after, asked
}
