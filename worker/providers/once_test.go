package providers

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// TestOnce: even if answers are lost, a thing is made once, and each attempt is one call.
func TestOnce(t *testing.T) {
	lost := error(&callError{api: APISpotify, err: errors.New("connection reset")})
	slow := error(&callError{api: APISpotify, err: slowError{1}})
	status := func(n int) error { return &APIError{API: APISpotify, Status: n} }
	for _, row := range []struct {
		name    string
		answers []error // of each attempt to make it
		makes   []bool  // whether that attempt has made it
		looks   []error // of each look
		blind   bool
		calls   string // m for making, l for looking
	}{
		{"made", []error{nil}, []bool{true}, nil, false, "m"},
		{"refused", []error{status(403)}, []bool{false}, nil, false, "m"},
		{"put off", []error{status(429), nil}, []bool{false, true}, nil, false, "mm"},
		{"not sent", []error{&putOffError{APISpotify, 1}, nil}, []bool{false, true}, nil, false, "mm"},
		{"made, 502", []error{status(502)}, []bool{true}, []error{nil}, false, "ml"},
		{"made, no answer", []error{lost}, []bool{true}, []error{nil}, false, "ml"},
		{"made, no answer in time", []error{slow}, []bool{true}, []error{nil}, false, "ml"},
		{"not made, 503", []error{status(503), nil}, []bool{false, true}, []error{nil}, false, "mlm"},
		{"made, 502, and looking fails", []error{status(502)}, []bool{true}, []error{status(500), lost, nil}, false, "mlll"},
		{"made, 502, and looking is refused", []error{status(502)}, []bool{true}, []error{status(403)}, false, "ml"},
		{"not made twice", []error{status(503), status(500), nil}, []bool{false, false, true}, []error{nil, nil}, false, "mlmlm"},
		{"made, 502, and nobody can look", []error{status(502)}, []bool{true}, nil, true, "m"},
		{"put off, and nobody can look", []error{status(429), nil}, []bool{false, true}, nil, true, "mm"},
	} {
		made, calls := 0, ""
		answers, makes, looks := row.answers, row.makes, row.looks
		look := func(context.Context) (int, bool, error) {
			calls += "l"
			err := looks[0]
			looks = looks[1:]
			return made, err == nil && made > 0, err
		}
		if row.blind {
			look = nil
		}
		call := Once(func(context.Context) (int, error) {
			calls += "m"
			if makes[0] {
				made++
			}
			err := answers[0]
			answers, makes = answers[1:], makes[1:]
			return made, err
		}, look)
		var err error
		for again := true; again; again = Verdict(err).Again {
			_, err = call(t.Context())
		}
		t.Logf("%-36s %-6s made %d, %v", row.name, calls, made, err)
		if calls != row.calls || made > 1 || err == nil && made != 1 {
			t.Errorf("%s: calls %s, want %s; made %d; %v", row.name, calls, row.calls, made, err)
		}
		if row.blind && err != nil && !strings.Contains(err.Error(), "may have been made") {
			t.Errorf("%s: error %v, want that it may have been made", row.name, err)
		}
	}
}
