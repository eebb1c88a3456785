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

// Unanswered returns an error with the given status for a call to Redis that failed with err. Its text is one line: the address of Redis, the
// cause, and what to do. An error reply is quoted as Redis wrote it. Records of another version, and a file that has become unreadable, have
// their own texts: in both cases Redis works.
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
	if todo := r.tlsRemedy(err); todo != "" {
		return fmt.Errorf("%s: TLS failed: %w; %s", at, last(err), todo)
	}
	const otherPort = "if this port is without TLS, REDIS_URL has to begin with redis://"
	switch closed := hasClosed(err); {
	case !r.TLS() && closed:
		return fmt.Errorf("%s has closed the connection: %w; if this is its port for TLS, REDIS_URL has to begin with rediss://", at, last(err))
	case r.TLS() && closed: // the end of the connection may arrive before the server's alert about a certificate
		return fmt.Errorf("%s has closed the connection: %w; if it demands a certificate, set one that it accepts with %s and %s; %s", at, last(err), certFlag, keyFlag, otherPort)
	case r.TLS() && isTimeout(err):
		return fmt.Errorf("%s does not answer over TLS: %w; %s", at, last(err), otherPort)
	}
	return fmt.Errorf("%s does not answer: %w; start it, or set REDIS_URL to the Redis of the fleet", at, last(err))
}

// tlsRemedy returns what to do about a TLS error, or "" for an error of another kind.
func (r *Redis) tlsRemedy(err error) string {
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, otherName := errors.AsType[x509.HostnameError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch text := err.Error(); {
	case isInvalid && invalid.Reason == x509.Expired:
		return "renew the certificate of the server, or set the clock of this machine"
	case otherName:
		return "REDIS_URL has to name the server by a name in its certificate"
	case untrusted:
		return "set the authority that has signed the certificate of the server with " + caFlag
	case noTLS:
		return "if this port is without TLS, REDIS_URL has to begin with redis://"
	case strings.Contains(text, "remote error: tls: "): // the server has refused the handshake
		return "set a certificate that the server accepts with " + certFlag + " and " + keyFlag
	case strings.Contains(text, "x509: ") || strings.Contains(text, "tls: "):
		return "the log of the server may say more"
	}
	return ""
}

// hasClosed reports whether the server has closed the connection.
func hasClosed(err error) bool {
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

// remedy returns what to do about an error reply, or "" if that is not known.
func (r *Redis) remedy(reply string) string {
	code, _, _ := strings.Cut(reply, " ")
	switch {
	case code == "WRONGPASS" && r.passwordFile:
		return "; check the password in the file of " + passwordFlag + " and the user in REDIS_URL"
	case code == "WRONGPASS" || code == "NOAUTH" || strings.Contains(reply, "unauthenticated"):
		return "; set the user and the password in REDIS_URL, or the password in " + passwordFlag
	case code == "NOPERM" || strings.Contains(reply, "user executing the script") || strings.Contains(reply, "ACL failure in script"):
		return "; docs/operations.md lists the permissions that the user needs"
	}
	return ""
}

// last returns the innermost cause of an error, without the texts of the layers around it.
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
