package limiter

import (
	"strconv"
	"strings"
	"time"
)

// opening is until when a bucket is closed.
type opening struct {
	at int64  // µs of the store's clock
	by string // replica whose provider asked for it, and when: see heldBy; "" for a pause
}

// heldBy puts three things into one word: the replica whose provider asked to wait, the moment, and whether the bucket
// opens gently.
func heldBy(replica string, at time.Time, gently bool) string {
	word := replica + "@" + strconv.FormatInt(at.UnixMicro(), 10)
	if gently {
		word += gentle
	}
	return word
}

// latest is the latest moment that can be written as a date, µs.
const latest = 253_402_300_799_000_000

// gentle ends the word of a hold after which the bucket opens gently.
const gentle = "~"

// gently reports whether the bucket opens gently, because its provider has asked for a long wait.
func (o opening) gently() bool { return strings.HasSuffix(o.by, gentle) }

// held returns what heldBy has put into a word.
func (o opening) held() (replica string, at time.Time) {
	by := strings.TrimSuffix(o.by, gentle)
	i := strings.LastIndexByte(by, '@')
	us, err := strconv.ParseInt(by[i+1:], 10, 64)
	if i < 0 || err != nil {
		return by, time.Time{}
	}
	return by[:i], time.UnixMicro(min(us, latest))
}
