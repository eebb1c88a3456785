package evidence

import (
	"net/http"
	"strings"
	"time"
)

// date reads a date in the three forms of RFC 9110, section 5.6.7.
func (c clock) date(s string) (time.Time, bool) {
	if s == "" || isDigit(s[0]) {
		return time.Time{}, false
	}
	// All three forms are in GMT. The third does not contain the zone, and in the second net/http would accept other
	// zones.
	if !strings.HasSuffix(s, " GMT") {
		t, err := time.Parse(time.ANSIC, s)
		return t, err == nil
	}
	if t, err := time.Parse(http.TimeFormat, s); err == nil {
		return t, true
	}
	t, err := time.Parse(time.RFC850, s)
	if err != nil {
		return time.Time{}, false
	}
	return c.century(t), true
}

// century moves a date with a two-digit year into the latest year that has these digits and is at most 50 years in the
// future.
func (c clock) century(t time.Time) time.Time {
	year := (c.now.Year()/100+1)*100 + t.Year()%100
	t = time.Date(year, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
	for range 2 {
		if t.After(c.now.AddDate(50, 0, 0)) {
			t = t.AddDate(-100, 0, 0)
		}
	}
	return t
}
