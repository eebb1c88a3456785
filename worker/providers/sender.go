package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// userAgent is what Last.fm requires of every client: a name and an address for complaints.
const userAgent = "weir (+https://github.com/weir-go/weir)"

// sender sends the requests of one provider.
type sender struct {
	api     string
	base    string // without a slash at the end
	http    *http.Client
	timeout time.Duration
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) ok() bool { return r.status >= 200 && r.status < 300 }

// slowError reports that no answer came within the timeout of a call. Unlike a deadline of the caller, the provider is
// the reason, so another attempt may help.
type slowError struct{ after time.Duration }

func (e slowError) Error() string { return "no answer within " + e.after.String() }

// within bounds one call.
func (s *sender) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.timeout, slowError{s.timeout})
}

// late returns the error of a call, or a slowError if the call took too long. ctx is the caller's context, within is
// the context of the call.
func (s *sender) late(ctx, within context.Context, err error) error {
	if slow, ok := errors.AsType[slowError](context.Cause(within)); ok && err != nil && ctx.Err() == nil {
		return slow
	}
	return err
}

// do sends one request and reads its answer. secrets are the secrets in the request.
func (s *sender) do(ctx context.Context, req *http.Request, secrets ...string) (reply, error) {
	within, cancel := s.within(ctx)
	defer cancel()
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	res, err := s.http.Do(req.WithContext(within))
	if err != nil {
		return reply{}, unanswered(s.api, s.late(ctx, within, err), secrets...)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, unanswered(s.api, s.late(ctx, within, fmt.Errorf("read the answer: %w", err)), secrets...)
	}
	return reply{res.StatusCode, res.Header, body}, nil
}

// maxAnswer bounds an answer, after decompression. The longest regular answer, a search, is below 200 KiB.
const maxAnswer = 4 << 20

var (
	errTooLong = errors.New("the answer is longer than 4 MiB")
	errNotJSON = errors.New("the answer is not the JSON expected")
)

// bounded makes reading an answer of more than maxAnswer bytes an error.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(req)
	if err == nil {
		res.Body = &boundedBody{Closer: res.Body, body: io.LimitedReader{R: res.Body, N: maxAnswer + 1}}
	}
	return res, err
}

type boundedBody struct {
	io.Closer
	body io.LimitedReader
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if b.body.N <= 0 {
		return n, errTooLong
	}
	return n, err
}
