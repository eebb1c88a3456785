package limiter

import (
	"strconv"
	"strings"
	"time"
)

// opening is until when a bucket is closed.
type opening struct {
	at int64  // µs of the store's clock
	by string // who heard a provider ask for that, and when: see heldBy; "" where somebody paused the bucket
}

// heldBy is a replica and the moment at which it heard a provider ask to wait, as one word, and whether the bucket is to open gently.
func heldBy(replica string, at time.Time, gently bool) string {
	word := replica + "@" + strconv.FormatInt(at.UnixMicro(), 10)
	if gently {
		word += gentle
	}
	return word
}

// latest is a moment that can still be written as a date, µs.
const latest = 253_402_300_799_000_000

// gentle ends the word of a hold that is to end gently.
const gentle = "~"

// gently reports whether the bucket opens gently: its provider has asked for a long time.
func (o opening) gently() bool { return strings.HasSuffix(o.by, gentle) }

// held is what heldBy has put into a word.
func (o opening) held() (replica string, at time.Time) {
	by := strings.TrimSuffix(o.by, gentle)
	i := strings.LastIndexByte(by, '@')
	us, err := strconv.ParseInt(by[i+1:], 10, 64)
	if i < 0 || err != nil {
		return by, time.Time{}
	}
	return by[:i], time.UnixMicro(min(us, latest))
}
