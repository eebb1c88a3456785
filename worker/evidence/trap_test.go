package evidence_test

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/evidence"
)

// TestClocks: moments are measured from the answer's own Date. A wait is the same whichever clock is wrong.
func TestClocks(t *testing.T) {
	const (
		ahead  = "Date: Mon, 23 Nov 2026 13:00:00 GMT\n" // the server's clock is an hour ahead
		behind = "Date: Mon, 23 Nov 2026 11:00:00 GMT\n"
	)
	after := func(d time.Duration) evidence.Answer { return evidence.Answer{RetryAfter: d} }
	check(t, []row{
		{name: "an hour ahead", header: ahead + "Retry-After: Mon, 23 Nov 2026 13:00:30 GMT", want: after(30 * sec)},
		{name: "an hour behind", header: behind + "Retry-After: Mon, 23 Nov 2026 11:00:30 GMT", want: after(30 * sec)},
		{name: "seconds need no clock", header: ahead + "Retry-After: 30", want: after(30 * sec)},
		{name: "Unix time", header: ahead + "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1795438830", want: quotas(quota("", -1, 0, 30*sec, 0))},
		{name: "RFC 3339", header: ahead + "anthropic-ratelimit-tokens-remaining: 0\nanthropic-ratelimit-tokens-reset: 2026-11-23T13:00:30Z", want: quotas(quota("tokens", -1, 0, 30*sec, 0))},
		{name: "a Date of RFC 850", header: "Date: Monday, 23-Nov-26 13:00:00 GMT\nRetry-After: Mon, 23 Nov 2026 13:00:30 GMT", want: after(30 * sec)},
		{name: "a Date in another case", header: "dAtE: Mon, 23 Nov 2026 13:00:00 GMT\nRetry-After: Mon, 23 Nov 2026 13:00:30 GMT", want: after(30 * sec)},
		{name: "a Date that is none", header: "Date: today\nRetry-After: Mon, 23 Nov 2026 12:00:30 GMT", want: after(30 * sec)},
		{name: "the second Date is one", header: "Date: today\n" + ahead + "Retry-After: Mon, 23 Nov 2026 13:00:30 GMT", want: after(30 * sec)},
		{name: "a moment that has passed", header: "Retry-After: Mon, 23 Nov 2026 11:00:30 GMT"},
		{name: "1970", header: "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT"},
		{name: "a year, without a Date", header: "Retry-After: Tue, 23 Nov 2027 12:00:00 GMT"},
		{name: "a year, with a Date", header: behind + "Retry-After: Tue, 23 Nov 2027 12:00:00 GMT", want: after(month)},
		{name: "a clock that was never set", header: "Date: Thu, 01 Jan 1970 00:00:05 GMT\nRetry-After: Thu, 01 Jan 1970 00:00:35 GMT", want: after(30 * sec)},
		{name: "the year 9999", header: ahead + "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", want: after(month)},
		{name: "two digits: 50 years ahead", header: ahead + "Retry-After: Monday, 23-Nov-76 12:00:00 GMT", want: after(month)},
		{name: "two digits: more than 50 years are the past", header: ahead + "Retry-After: Monday, 23-Nov-77 13:00:00 GMT"},
		{name: "two digits: the next century", header: "Date: Thursday, 31-Dec-99 23:59:30 GMT\nRetry-After: Friday, 01-Jan-00 00:00:00 GMT", want: after(30 * sec)},
		{name: "another zone than GMT, RFC 850", header: "Retry-After: Monday, 23-Nov-26 12:01:30 EST"},
		{name: "another zone than GMT", header: "Retry-After: Mon, 23 Nov 2026 12:01:30 PST"},
		{name: "a day that is none", header: "Retry-After: Mon, 31 Feb 2027 12:00:00 GMT"},
	})
}

// TestMagnitude: which numbers are waits and which are moments.
func TestMagnitude(t *testing.T) {
	const date = "Date: Mon, 23 Nov 2026 12:00:00 GMT\n" // so that moments far away are cut, not ignored
	for value, want := range map[string]time.Duration{
		"2678400":                month,
		"2678401":                month,
		"31536000":               month, // a year, as a wait
		"999999999":              month,
		"1000000000":             0, // 2001
		"1795435199":             0,
		"1795435201":             sec,
		"99999999999":            month, // the year 5138
		"100000000000":           0,     // 1973, in milliseconds
		"1795435201000":          sec,
		"99999999999999":         month,
		"100000000000000":        0,
		"1795435201000000":       sec,
		"99999999999999900":      month,
		"100000000000000000":     0,
		"1795435201000000000":    sec,
		"9223372036854775807":    month,
		"18446744073709551615":   month,
		"99999999999999999999":   month,
		"1000000000000000000000": month, // beyond all clocks: an endless wait
		"1795435201123":          1123 * time.Millisecond,
		"1795435201.123":         1123 * time.Millisecond,
		"1.001":                  1001 * time.Millisecond,
		"1e300":                  month,
		"1e400":                  month,
		"1e-400":                 0,
		"1.795435201e9":          sec,
	} {
		got := evidence.RetryAfter(header(date+"Retry-After: "+value), noon)
		t.Logf("%s => %v", value, got)
		if got != want {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
}

// TestTraps has a row for each value that is not what it seems.
func TestTraps(t *testing.T) {
	long := strings.Repeat("x", 4096)
	check(t, []row{
		{name: "blank", header: "Retry-After: \nX-RateLimit-Limit:  \nRateLimit: \nX-RateLimit-Reset: \t"},
		{name: "negative", header: "Retry-After: -5\nX-RateLimit-Limit: -1\nX-RateLimit-Remaining: -1\nX-RateLimit-Reset: -5s"},
		{name: "plus", header: "Retry-After: +5\nX-RateLimit-Limit: +5\nX-RateLimit-Reset: +5s"},
		{name: "hexadecimal", header: "Retry-After: 0x10\nX-RateLimit-Limit: 0x10\nX-RateLimit-Reset: 0x1p4"},
		{name: "underscores", header: "Retry-After: 1_000\nX-RateLimit-Limit: 1_000"},
		{name: "NaN", header: "Retry-After: NaN\nX-RateLimit-Limit: NaN\nX-RateLimit-Reset: NaN"},
		{name: "Inf", header: "Retry-After: Inf\nX-RateLimit-Limit: infinity\nX-RateLimit-Reset: +Inf"},
		{name: "digits of another script", header: "Retry-After: ５\nX-RateLimit-Limit: ٥"},
		{name: "two in one", header: "Retry-After: 5, 10\nX-RateLimit-Reset: 5 10"},
		{name: "no-break space", header: "Retry-After: \u00a05"},
		{name: "an endless duration", header: "Retry-After: 999999h", want: evidence.Answer{RetryAfter: month}},
		{name: "a duration that no int64 holds", header: "Retry-After: 9999999999999h"},
		{name: "counts that no int64 holds", header: "X-RateLimit-Limit: 18446744073709551615\nX-RateLimit-Remaining: 9007199254740993", want: quotas(quota("", most, most, 0, 0))},
		{name: "a count with an exponent", header: "X-RateLimit-Limit: 1e3\nX-RateLimit-Remaining: 5.", want: evidence.Answer{}},
		{name: "several values", header: "X-RateLimit-Remaining: many\nX-RateLimit-Remaining: 5\nX-RateLimit-Remaining: 3", want: quotas(quota("", -1, 5, 0, 0))},
		{name: "values joined with a comma", header: "X-RateLimit-Limit: 100, 200\nX-RateLimit-Remaining: 5, 3", want: quotas(quota("", 100, 5, 0, 0))},
		{name: "without X- counts", header: "X-RateLimit-Limit: 1\nRateLimit-Limit: 2\nRateLimit-Limit: 3", want: quotas(quota("", 2, -1, 0, 0))},
		{name: "what one does not say, the other does", header: "RateLimit-Limit: 2\nX-RateLimit-Limit: 1\nX-RateLimit-Remaining: 1", want: quotas(quota("", 2, 1, 0, 0))},
		{name: "the policy twice", header: "RateLimit-Limit: 100, 100;w=60\nX-RateLimit-Limit: 100, 100;w=60\nRateLimit-Policy: 100;w=60", want: quotas(quota("", 100, -1, 0, minute))},
		{name: "equal policies of two names", header: `RateLimit-Policy: 100;w=60;name="a", 100;w=60;name="b"`, want: quotas(quota("a", 100, -1, 0, minute), quota("b", 100, -1, 0, minute))},
		{name: "a policy of two partitions", header: `RateLimit: "a";r=50;t=30;pk=:YQ==:, "a";r=10;t=20;pk=:Yg==:, "a";r=30;t=5`, want: quotas(quota("a", -1, 10, 20*sec, 0))},
		{name: "a moment of the draft that has passed", header: `RateLimit: "a";r=1;t=1795435100`, want: quotas(quota("a", -1, 1, 0, 0))},
		{name: "policies that are not well formed", header: `RateLimit-Policy: "a";q=1;qu=5, "b";q=1;w=x, "c";q=1;w=-1, "d";w=1, "e";q="1", 100;w=0, 50;w=x, 5;w=1;name=1, "good";q=1`, want: quotas(quota("good", 1, -1, 0, 0))},
		{name: "signs within", header: "Retry-After: 1+5\nX-RateLimit-Limit: 1-5\nX-RateLimit-Reset: 1e+-2"},
		{name: "a window of 0", header: `RateLimit-Policy: "a";q=1;w=0`, want: quotas(quota("a", 1, -1, 0, 0))},
		{name: "a window of ten years", header: `RateLimit-Policy: "a";q=1;w=315360000`, want: quotas(quota("a", 1, -1, 0, 0))},
		{name: "Unix time in the draft", header: `RateLimit: "a";r=1;t=1795435230`, want: quotas(quota("a", -1, 1, 30*sec, 0))},
		{name: "a value of more than 4 KiB", header: "Retry-After: 5" + strings.Repeat("0", 4096) + "\nRetry-After: 7", want: evidence.Answer{RetryAfter: 7 * sec}},
		{name: "a header of a long name", header: "X-RateLimit-Limit-" + long + ": 5"},
		{name: "a policy of a long name", header: `RateLimit: "` + long[:129] + `";r=1, "` + long[:128] + `";r=2`, want: quotas(quota(long[:128], -1, 2, 0, 0))},
		{name: "headers that are not of limits", header: "RateLimited: 5\nX-RateLimits-Limit: 5\nX-RateLimit: 5\nX-RateLimit-Policy: gold\nRetry-Afterwards: 5\nX-RateLimit-Used: 5\nAnthropic-RateLimit-Unified-Status: allowed\nX-Retry: 5\nLimit: 5"},
		{name: "a name that no header has", header: "X-RateLimit-Limit-a b: 5\nX-RateLimit-Limit-ä: 5"},
	})
}

// TestStructuredFields: RFC 9651, as far as limits need it.
func TestStructuredFields(t *testing.T) {
	good := quotas(quota("good", -1, 1, 0, 0))
	rows := []row{
		{name: "escapes", header: `RateLimit: "a \"b\" \\ c";r=1`, want: quotas(quota(`a "b" \ c`, -1, 1, 0, 0))},
		{name: "a comma and a semicolon in a string", header: `RateLimit: "a,b;r=2";r=1`, want: quotas(quota("a,b;r=2", -1, 1, 0, 0))},
		{name: "an empty string", header: `RateLimit: "";r=1`, want: quotas(quota("", -1, 1, 0, 0))},
		{name: "parameters of all types", header: `RateLimit: "good";a;b=?0;c=1.5;d=tok/en:x;e=:YQ==:;f="x\"";g=@1795435200;h=-3;*k=*;r=1`, want: good},
		{name: "the last of two counts", header: `RateLimit: "good";r=7;r=1`, want: good},
		{name: "15 digits", header: `RateLimit: "a";r=999999999999999`, want: quotas(quota("a", -1, 999999999999999, 0, 0))},
		{name: "tabs around commas", header: "RateLimit: \"a\";r=1\t,\t \"b\";r=2", want: quotas(quota("a", -1, 1, 0, 0), quota("b", -1, 2, 0, 0))},
		{name: "a comma at the end", header: `RateLimit: "good";r=1,`, want: good},
		{name: "a string without an end", header: `RateLimit: "good";r=1, "bad;r=2, "x";r=3`, want: quotas(quota("good", -1, 1, 0, 0))},
	}
	for _, bad := range []string{
		`"bad"`, `"bad";r`, `"bad";r=`, `"bad";r=x`, `"bad";r="5"`, `"bad";r=-1`, `"bad";r=1.0`, `"bad";r=1000000000000000`, `"bad";r=5;t=soon`, `"bad";r=5;t=-1`,
		`"bad" ;r=5`, `"bad";R=5`, `"bad";r=5 x`, `"bad"x;r=5`, `"b\ad";r=5`, `"b\a\",";r=5`, "\"b\xc3\xa4d\";r=5", `"bad";r=5;=1`, `"bad";r=5;`, `"bad";r=5;k=:a*b:`, `"bad";r=5;k=:abc`, `"bad";r=5;k=?2`,
		`"bad";r=5;k=@1.5`, `"bad";r=5;k=1.2345`, `"bad";r=5;k=1.`, `"bad";r=5;k=1234567890123.1`, `"bad";r=5;k=-`, `5;r=5`, `?1;r=5`, `:YQ==:;r=5`, `("bad" "b");r=5`, `%"bad";r=5`, `=5`, `a=`, `limit=x`, `limit=-1`, `limit="5"`, `limits=5`, ``, `,`,
	} {
		rows = append(rows, row{name: "ignored: " + bad, header: "RateLimit: " + bad + `, "good";r=1`, want: good})
	}
	check(t, rows)
}
