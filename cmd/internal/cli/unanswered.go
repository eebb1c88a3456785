package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Unanswered is the error of a call to Redis that failed: where Redis is, why, and what to do, in one line. An error reply is an answer, so its
// text stands there as Redis wrote it. Records of another version are an answer, too. A file that has become unreadable is no fault of Redis.
func (r *Redis) Unanswered(status int, err error) error {
	at := "redis at " + r.Addr()
	return &Error{Status: status, Err: r.because(at, err)}
}

func (r *Redis) because(at string, err error) error {
	if other, ok := errors.AsType[*lua.VersionError](err); ok {
		return fmt.Errorf("%s: %s", at, strings.TrimPrefix(other.Error(), "lua: "))
	}
	if file, ok := errors.AsType[*FileError](err); ok {
		return fmt.Errorf("%s gets no new connection: %w", at, file)
	}
	if reply, refused := errors.AsType[redis.Error](err); refused {
		return fmt.Errorf("%s refuses: %w%s", at, reply, r.remedy(reply.Error()))
	}
	if todo := r.disagreement(err); todo != "" {
		return fmt.Errorf("%s and this program do not agree on TLS: %w; %s", at, last(err), todo)
	}
	const otherPort = "if this is not its port for TLS, REDIS_URL has to begin with redis://"
	switch hungUp := hasHungUp(err); {
	case !r.TLS() && hungUp:
		return fmt.Errorf("%s has hung up: %w; if this is its port for TLS, REDIS_URL has to begin with rediss://", at, last(err))
	case r.TLS() && hungUp: // which may overtake what the server says of a certificate
		return fmt.Errorf("%s has hung up: %w; if it asks for a certificate, give one that it accepts in %s and %s; %s", at, last(err), certFlag, keyFlag, otherPort)
	case r.TLS() && isTimeout(err):
		return fmt.Errorf("%s does not answer over TLS: %w; %s", at, last(err), otherPort)
	}
	return fmt.Errorf("%s does not answer: %w; start it, or set REDIS_URL to the Redis of the fleet", at, last(err))
}

// disagreement is what to do where two that speak to each other do not agree on TLS, "" where an error is of another kind.
func (r *Redis) disagreement(err error) string {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, otherName := errors.AsType[x509.HostnameError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch text := err.Error(); {
	case isInvalid && invalid.Reason == x509.Expired:
		return "the server's certificate, or the clock of this machine, is wrong: renew the certificate"
	case otherName:
		return "REDIS_URL has to name the server as its certificate does"
	case untrusted:
		return "give the authority that has signed the server's certificate in " + caFlag
	case noTLS:
		return "if this is not its port for TLS, REDIS_URL has to begin with redis://"
	case strings.Contains(text, "remote error: tls: "): // the server has refused the handshake
		return "give a certificate that the server accepts in " + certFlag + " and " + keyFlag
	case strings.Contains(text, "x509: ") || strings.Contains(text, "tls: "):
		return "the log of the server may say more"
	}
	return ""
}

// hasHungUp reports whether the server has ended the connection.
func hasHungUp(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// remedy is what to do about a refusal, where that is known.
func (r *Redis) remedy(reply string) string {
	code, _, _ := strings.Cut(reply, " ")
	switch {
	case code == "WRONGPASS" && r.passwordFile:
		return "; the file in " + passwordFlag + " has another password, or REDIS_URL another user"
	case code == "WRONGPASS" || code == "NOAUTH" || strings.Contains(reply, "unauthenticated"):
		return "; set the user and the password in REDIS_URL, or the password in " + passwordFlag
	case code == "NOPERM" || strings.Contains(reply, "user executing the script") || strings.Contains(reply, "ACL failure in script"):
		return "; docs/operations.md lists what the user must be allowed"
	}
	return ""
}

// last is the innermost cause of an error, without what the layers in between say about it.
func last(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // walks the tree itself
		case interface{ Unwrap() error }:
			if e.Unwrap() == nil {
				return err
			}
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			all := e.Unwrap()
			err = all[len(all)-1]
		default:
			return err
		}
	}
}
