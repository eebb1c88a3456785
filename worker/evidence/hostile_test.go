package evidence_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/evidence"
)

var full = flag.Bool("full", false, "read a hundred times as many hostile answers")

// promised returns an error if an Answer breaks a promise of the package.
func promised(a evidence.Answer) error {
	if a.RetryAfter < 0 || a.RetryAfter > month {
		return fmt.Errorf("a wait of %v", a.RetryAfter)
	}
	if a.Throttled && a.Overloaded {
		return fmt.Errorf("throttled and overloaded")
	}
	if len(a.Quotas) > 16 {
		return fmt.Errorf("%d quotas", len(a.Quotas))
	}
	names := map[string]bool{}
	for _, q := range a.Quotas {
		switch {
		case q.Limit < -1 || q.Limit > most || q.Remaining < -1 || q.Remaining > most:
			return fmt.Errorf("a count out of bounds: %+v", q)
		case q.Reset < 0 || q.Reset > month || q.Window < 0 || q.Window > 366*24*time.Hour:
			return fmt.Errorf("a time out of bounds: %+v", q)
		case q.Limit < 0 && q.Remaining < 0 && q.Reset == 0:
			return fmt.Errorf("a quota without a number: %+v", q)
		case len(q.Name) > 128 || strings.ContainsFunc(q.Name+q.Unit, func(r rune) bool { return r < ' ' || r > '~' }):
			return fmt.Errorf("a name that cannot be printed: %+v", q)
		case q.Name != "" && names[q.Name]:
			return fmt.Errorf("two quotas of one name: %+v", a.Quotas)
		}
		names[q.Name] = true
	}
	return nil
}

// TestHostileValues reads answers with headers made of random valid and invalid pieces.
func TestHostileValues(t *testing.T) {
	rounds := 10_000
	if *full {
		rounds = 1_000_000
	}
	keys := []string{
		"RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "Retry-After", "Retry-After-Ms", "X-Ms-Retry-After-Ms", "Date",
		"X-RateLimit-Limit", "X-Rate-Limit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-RateLimit-Reset-After", "X-RateLimit-Reset-Ms", "X-RateLimit-Resource", "X-RateLimit-Limit-",
		"X-RateLimit-Limit-Requests", "X-RateLimit-Reset-Tokens", "X-RateLimit-Remaining-Day", "X-RateLimit-Tokens-Limit", "Anthropic-RateLimit-Tokens-Reset", "Anthropic-RateLimit-Requests-Remaining",
	}
	pieces := strings.Split(`0|1|9|00|60|1e9|1e300|-|+|.|_|e|E|x|0x1p4|NaN|Inf|9007199254740993|18446744073709551616|999999999999999|1795435230|1795435230000|99999999999999999999|`+
		`"|"a"|"b\"|\\|\|"a\"b"|;|; |,| , |=|;r=|;r=5|;t=30|;t=|;q=100|;w=60|;w=99999999999|;qu="requests"|;qu=1|;pk=:YQ==:|:|?1|?|@5|*|limit=|remaining=5|reset=30|;name="n"|a|ä|é|(|)|%"|`+
		`Mon, 23 Nov 2026 12:00:30 GMT|Monday, 23-Nov-77 12:00:00 GMT|Mon Nov 23 12:01:30 2026|2026-11-23T12:00:30Z|2026-11-23 12:00:30|9999-12-31T23:59:59Z|0000-01-01T00:00:00Z| GMT|6m0s|20ms|9h9m|-5s|.5s|µs|s|h|requests|`+
		" |\t|\x00|\xff|\r\n", "|")
	pieces = append(pieces, "", strings.Repeat("9", 400), strings.Repeat("\"", 5000), strings.Repeat(`"p";r=1,`, 20), strings.Repeat(";r=1", 200))
	statuses := []int{200, 307, 403, 429, 503, 529, 0, -1}
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // a seed
	random := rand.New(rand.NewPCG(seed, 1))
	for round := range rounds {
		h, upper := http.Header{}, http.Header{}
		for range 1 + random.IntN(6) {
			key := keys[random.IntN(len(keys))]
			var v strings.Builder
			for range random.IntN(8) {
				v.WriteString(pieces[random.IntN(len(pieces))])
			}
			h[key] = append(h[key], v.String())
			upper[strings.ToUpper(key)] = h[key]
		}
		status, now := statuses[random.IntN(len(statuses))], noon
		switch random.IntN(4) {
		case 0:
			now = time.Time{}
		case 1:
			now = time.Unix(random.Int64()-random.Int64(), 0)
		}
		got := evidence.Read(status, h, now)
		if err := promised(got); err != nil {
			t.Fatalf("seed %d, round %d: %v\n%d %q at %v", seed, round, err, status, h, now)
		}
		for what, other := range map[string]evidence.Answer{"again": evidence.Read(status, h, now), "in capitals": evidence.Read(status, upper, now)} {
			if diff := cmp.Diff(got, other); diff != "" {
				t.Fatalf("seed %d, round %d: read %s, the answer differs: %s\n%d %q at %v", seed, round, what, diff, status, h, now)
			}
		}
		if after := evidence.RetryAfter(h, now); after < 0 || after > month {
			t.Fatalf("seed %d, round %d: RetryAfter %v", seed, round, after)
		}
	}
}

// TestTooMuch: Read reads only a part of an answer that is too long, and always the same part.
func TestTooMuch(t *testing.T) {
	h := http.Header{}
	for i := range 10_000 {
		h[fmt.Sprintf("X-RateLimit-Limit-%05d", i)] = []string{"1"}
	}
	h["Retry-After"] = make([]string, 10_000)
	h["Retry-After"][15], h["Retry-After"][16] = "5", "7" // the last that is read, and the first that is not
	for range 3 {
		a := evidence.Read(http.StatusOK, h, noon)
		if len(a.Quotas) != 16 || a.Quotas[15].Name != "00015" || a.RetryAfter != 5*time.Second {
			t.Errorf("read %s, want 16 quotas, the last named 00015, and a wait of 5 s", show(a))
		}
	}
}

// TestLastOfTooMany: of more than 64 headers the last in order is not read, wherever in the map it is.
func TestLastOfTooMany(t *testing.T) {
	h := header("X-RateLimit-Limit: 5\nX-RateLimit-Resource: core")
	for i := range 62 {
		h[fmt.Sprintf("X-RateLimit-Limit-%d", i)] = []string{"1"}
	}
	for _, want := range []string{"core", ""} {
		for range 20 {
			if a := evidence.Read(http.StatusOK, h, noon); a.Quotas[0].Limit != 5 || a.Quotas[0].Name != want {
				t.Errorf("%d headers: %+v, want the name %q", len(h), a.Quotas[0], want)
			}
		}
		h["X-RateLimit-Limit-62"] = []string{"1"}
	}
}

// TestSpellings: if a name comes in two spellings, the same one always counts.
func TestSpellings(t *testing.T) {
	h := header("Date: Mon, 23 Nov 2026 12:00:00 GMT\ndate: Mon, 23 Nov 2026 11:00:00 GMT\nRetry-After: Mon, 23 Nov 2026 12:00:30 GMT\nretry-after: 7\nX-RateLimit-Limit: 5\nX-Ratelimit-Limit: 6")
	for range 50 {
		if a := evidence.Read(http.StatusOK, h, noon); a.RetryAfter != 30*time.Second || a.Quotas[0].Limit != 5 {
			t.Fatalf("read %s, want a wait of 30 s and a limit of 5", show(a))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(429, "Retry-After", "120", "X-RateLimit-Reset", "1795435230", "Mon, 23 Nov 2026 12:00:00 GMT", int64(1795435200))
	f.Add(200, "RateLimit", `"a\"b";r=1;t=2;pk=:YQ==:, limit=5`, "RateLimit-Policy", `"a";q=5;w=1;qu="x", 5;w=60`, "", int64(0))
	f.Add(403, "X-RateLimit-Limit", `10, 10;w=1;name="n"`, "anthropic-ratelimit-tokens-reset", "2026-11-23T12:00:30Z", "Monday, 23-Nov-26 12:00:00 GMT", int64(-1))
	f.Add(503, "X-RateLimit-Reset-Tokens", "6m0s", "Retry-After-Ms", "1e3", "Mon Nov 23 12:01:30 2026", int64(1)<<62)
	f.Fuzz(func(t *testing.T, status int, key1, value1, key2, value2, date string, unix int64) {
		h := http.Header{}
		h[key1] = append(h[key1], value1)
		h[key2] = append(h[key2], value2)
		h["Date"] = append(h["Date"], date)
		got := evidence.Read(status, h, time.Unix(unix, 0))
		if err := promised(got); err != nil {
			t.Errorf("%v: %d %q at %d", err, status, h, unix)
		}
		if diff := cmp.Diff(got, evidence.Read(status, h, time.Unix(unix, 0))); diff != "" {
			t.Errorf("read again, the answer differs: %s", diff)
		}
	})
}
