package gate

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// DefaultTypes are the content types of playlists. An HTML form can send none of them.
func DefaultTypes() []string {
	return []string{
		"text/csv", "application/json", "application/octet-stream", "text/tab-separated-values", "text/uri-list", "application/jsonl", "application/x-ndjson",
		"application/ndjson", "audio/x-mpegurl", "audio/mpegurl", "application/x-mpegurl", "application/vnd.apple.mpegurl",
	}
}

// Upload returns a handler that receives the whole body and then calls next. next gets a request whose body is in
// memory, plain, and bounded; reading it cannot fail. The memory is free for other uploads when next closes the body,
// or returns. [Gate.Handler] must come before.
func (g *Gate) Upload(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		body, refused := g.receive(out, r)
		if refused != nil {
			out.Header().Set("Connection", "close") // do not read the rest of the body
			refused.Write(out)
			return
		}
		defer func() { _ = body.Close() }()
		r = r.WithContext(r.Context()) // a shallow copy
		r.Header = r.Header.Clone()
		r.Header.Del("Content-Encoding")
		r.Body, r.ContentLength = body, body.size
		next.ServeHTTP(out, r)
	})
}

// receive reads the body of a request, or returns why it could not.
func (g *Gate) receive(out http.ResponseWriter, r *http.Request) (*body, *Problem) {
	if refused := g.checkType(out, r); refused != nil {
		return nil, refused
	}
	if r.ContentLength > g.cfg.MaxBody {
		return nil, g.tooLarge()
	}
	rc := http.NewResponseController(out)
	slow := &arrival{
		in: r.Body, deadline: rc.SetReadDeadline, patience: g.cfg.Patience, progress: g.cfg.Progress, limit: g.cfg.MaxBody,
	}
	release := slow.endWith(g.ending)
	defer release()
	in := &body{room: &g.room}
	err := in.fill(unpacked(slow, r.Header.Get("Content-Encoding") != ""), g.cfg.MaxBody)
	if err == nil {
		err = slow.over()
	}
	if err != nil {
		_ = in.Close()
		return nil, g.refusal(err)
	}
	return in, nil
}

// checkType returns nil if uploads may have the content type and the encoding.
func (g *Gate) checkType(out http.ResponseWriter, r *http.Request) *Problem {
	if values := r.Header.Values("Content-Encoding"); len(values) > 0 {
		encoding := strings.ToLower(strings.TrimSpace(strings.Join(values, ",")))
		switch encoding {
		case "gzip", "x-gzip":
		case "", "identity":
			r.Header.Del("Content-Encoding")
		default:
			out.Header().Set("Accept-Encoding", "gzip")
			return &Problem{Status: http.StatusUnsupportedMediaType, Detail: "the server does not know this compression of the body: send it uncompressed, or as gzip"}
		}
	}
	if r.ContentLength == 0 {
		return nil // the handler decides what an empty body means
	}
	kind := ""
	if values := r.Header.Values("Content-Type"); len(values) == 1 {
		if parsed, _, err := mime.ParseMediaType(values[0]); err == nil {
			kind = parsed
		}
	}
	if slices.Contains(g.cfg.Types, kind) {
		return nil
	}
	out.Header().Set("Accept-Post", strings.Join(g.cfg.Types, ", "))
	how := fmt.Sprintf("send the file itself as the body, with its content type, such as %s. With curl: --data-binary @FILE -H 'Content-Type: %s'",
		strings.Join(g.cfg.Types[:min(len(g.cfg.Types), 2)], " or "), g.cfg.Types[0])
	what := "the content type is missing, or none that is taken: "
	if kind == "multipart/form-data" {
		what = "the body is a form (curl -F sends one): "
	}
	return &Problem{Status: http.StatusUnsupportedMediaType, Detail: what + how}
}

// unpacked reads the plain form of a gzip body.
func unpacked(in io.Reader, packed bool) io.Reader {
	if !packed {
		return in
	}
	return &lazyGzip{in: in}
}

// lazyGzip reads the gzip header at the first Read, so that all errors of the input come from one place.
type lazyGzip struct {
	in io.Reader
	gz *gzip.Reader
}

func (z *lazyGzip) Read(p []byte) (int, error) {
	if z.gz == nil {
		gz, err := gzip.NewReader(z.in)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		z.gz = gz
	}
	return z.gz.Read(p)
}

var (
	errTooLarge = errors.New("too large")
	errNoRoom   = errors.New("no room")
	errEnding   = errors.New("ending")
)

func (g *Gate) tooLarge() *Problem {
	return &Problem{
		Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("the body is longer than %d bytes, as it is or when unpacked: split it", g.cfg.MaxBody),
	}
}

// refusal returns the problem for an error of a body.
func (g *Gate) refusal(err error) *Problem {
	switch {
	case errors.Is(err, errTooLarge):
		return g.tooLarge()
	case errors.Is(err, errNoRoom):
		return &Problem{
			Type: TypeCapacity, Status: http.StatusServiceUnavailable, RetryAfter: g.cfg.Patience,
			Detail: "other uploads take all the memory for uploads: try again later",
		}
	case errors.Is(err, errEnding):
		return &Problem{
			Type: TypeCapacity, Status: http.StatusServiceUnavailable, RetryAfter: time.Second, Detail: "this server is ending: ask another one, or later",
		}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &Problem{
			Status: http.StatusRequestTimeout,
			Detail: fmt.Sprintf("the body came too slowly: it has to arrive within %v, or by %d bytes more in each %v", g.cfg.Patience, g.cfg.Progress, g.cfg.Patience),
		}
	case errors.Is(err, http.ErrNotSupported):
		return &Problem{Status: http.StatusInternalServerError, Detail: "the connection cannot be given a deadline"}
	default:
		return &Problem{Status: http.StatusBadRequest, Detail: "the body is cut off, or is not what its headers promise"}
	}
}
