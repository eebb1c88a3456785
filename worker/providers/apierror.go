package providers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/evidence"
	"github.com/weir-go/weir/worker/playlist"
)

// APIError is an error that a provider answered. Its text contains no URL, key or token, whatever the provider wrote.
type APIError struct {
	API    string // "anthropic", "spotify" or "lastfm"
	Status int    // of HTTP; Last.fm refuses with 200 too, and Anthropic inside a stream of status 200
	// Code is the provider's own name of the error: Anthropic's code, or else its type, Spotify's reason, OAuth's
	// error, Last.fm's number. Often empty.
	Code string
	// RetryAfter is how long the provider asks to wait, at most [limiter.LongestHold]. It is 0 if the provider states
	// no time, except for Last.fm's error 29: then it is how long the client sends no calls.
	RetryAfter time.Duration
	// Spent means that the quota of a day or a month is used up: no further call succeeds until the next period, or
	// until the quota is raised.
	Spent   bool
	Message string // the provider's, on one line, at most 200 characters
	// RequestID is Anthropic's name of the request, for its support. Empty elsewhere.
	RequestID string
	// Advice is what an operator can do, if known.
	Advice string

	Type string // the type of Anthropic's error; empty elsewhere
	// Renewed means that Spotify's access token had ended: the next call gets another token.
	Renewed bool
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d", e.API, e.Status)
	if text := http.StatusText(e.Status); text != "" && e.Status != http.StatusOK {
		b.WriteString(" " + text)
	}
	if e.Code != "" {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Spent {
		b.WriteString("; the quota of the account is spent")
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; retry after %v", e.RetryAfter)
	}
	if e.Advice != "" {
		b.WriteString("; " + e.Advice)
	}
	if e.RequestID != "" {
		b.WriteString("; request " + e.RequestID)
	}
	return b.String()
}

// callError is a call without a usable answer: the network, a deadline, an answer that cannot be read. errors.Is and
// errors.As find its cause. It has no Unwrap, because code that prints each layer would print the text of the cause.
type callError struct {
	api  string
	text string
	err  error
}

func (e *callError) Error() string        { return e.api + ": " + e.text }
func (e *callError) Is(target error) bool { return errors.Is(e.err, target) }
func (e *callError) As(target any) bool   { return errors.As(e.err, target) }

// unanswered makes a callError. It returns an *APIError unchanged.
func unanswered(api string, err error, secrets ...string) error {
	if denied, ok := errors.AsType[*APIError](err); ok {
		return denied
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	return &callError{api: api, text: presentable(err.Error(), secrets...), err: err}
}

const maxMessage = 200 // characters of a provider's message

var anyURL = regexp.MustCompile(`(?i)\b[a-z][a-z0-9+.-]*://[^\s"']+`)

// presentable makes an outside text safe for an error: one line, short, without URLs and without the secrets of the
// request, because a provider may repeat a wrong key.
func presentable(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		for _, spelled := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			text = strings.ReplaceAll(text, spelled, "***")
		}
	}
	return playlist.Clip(anyURL.ReplaceAllString(playlist.OneLine(strings.ToValidUTF8(text, "?")), "[url]"), maxMessage)
}

// retryAfter returns how long the provider asks to wait, at most the longest hold of the limiter.
func retryAfter(h http.Header) time.Duration {
	return min(evidence.RetryAfter(h, time.Now()), limiter.LongestHold)
}

// spent reports whether an error means that a quota of the account is used up. Spotify and Anthropic have codes for it.
// Some of Anthropic's answers have it only in their message: older answers, and answers about a limit of the account's
// own or about a balance.
func spent(status int, code, message string) bool {
	switch code {
	case "QUOTA_EXCEEDED", "enforced_spend_limit_reached", "credit_balance_too_low", typeBilling:
		return true
	}
	if status == http.StatusPaymentRequired {
		return true
	}
	message = strings.ToLower(message)
	for _, said := range []string{"spend limit", "spending limit", "api usage limits", "credit balance is too low"} {
		if strings.Contains(message, said) {
			return true
		}
	}
	return false
}
