package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// userAgent is what Last.fm asks of every client: a name and where to complain.
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

// do sends one request and reads its answer. The secrets are those that it carries.
func (s *sender) do(ctx context.Context, req *http.Request, secrets ...string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", userAgent)
	res, err := s.http.Do(req.WithContext(ctx))
	if err != nil {
		return reply{}, unanswered(s.api, err, secrets...)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}, unanswered(s.api, fmt.Errorf("read the answer: %w", err), secrets...)
	}
	return reply{res.StatusCode, res.Header, body}, nil
}

// maxAnswer bounds an answer, after decompression. The longest honest one, a search, is below 200 KiB.
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
