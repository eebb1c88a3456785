package cli

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// RedisFlags say with which secrets Redis is reached. All commands that talk to Redis embed them. The address has no flag, only REDIS_URL:
// it may hold a password, and every user of a machine can read the command lines of others.
type RedisFlags struct {
	RedisCA           string `name:"redis-ca" env:"WEIR_REDIS_CA" placeholder:"FILE" help:"Authorities, as PEM, that sign the certificate of Redis; without it those of the system."`
	RedisCert         string `name:"redis-cert" env:"WEIR_REDIS_CERT" placeholder:"FILE" help:"Certificate, as PEM, that Redis asks this program for; none without it."`
	RedisKey          string `name:"redis-key" env:"WEIR_REDIS_KEY" placeholder:"FILE" help:"Private key, as PEM, of --redis-cert."`
	RedisPasswordFile string `name:"redis-password-file" env:"WEIR_REDIS_PASSWORD_FILE" placeholder:"FILE" help:"Password of Redis, read again for each new connection; without it the one in REDIS_URL."`
}

// The names of these flags in errors.
const (
	caFlag       = "--redis-ca (or WEIR_REDIS_CA)"
	certFlag     = "--redis-cert (or WEIR_REDIS_CERT)"
	keyFlag      = "--redis-key (or WEIR_REDIS_KEY)"
	passwordFlag = "--redis-password-file (or WEIR_REDIS_PASSWORD_FILE)"
)

// Open reads a URL as [ParseRedis] does, and the files that the flags name. Errors are of usage, and name the flag and the file. An empty URL
// is one that nobody has set: no flag may need it, and Open returns nil.
func (f RedisFlags) Open(url string) (*Redis, error) {
	if url == "" {
		if flag := f.first(); flag != "" {
			return nil, Usagef("%s: REDIS_URL is not set: set it to the Redis for which the file is", flag)
		}
		return nil, nil
	}
	r, err := ParseRedis(url)
	if err != nil {
		return nil, err
	}
	if err := f.secure(r); err != nil {
		return nil, &Error{Status: Usage, Err: err}
	}
	if err := f.login(r); err != nil {
		return nil, &Error{Status: Usage, Err: err}
	}
	return r, nil
}

// first is the name of the first flag that is set.
func (f RedisFlags) first() string {
	for _, flag := range []struct{ value, name string }{{f.RedisCA, caFlag}, {f.RedisCert, certFlag}, {f.RedisKey, keyFlag}, {f.RedisPasswordFile, passwordFlag}} {
		if flag.value != "" {
			return flag.name
		}
	}
	return ""
}

// secure adds the authorities and the certificate to the connections.
func (f RedisFlags) secure(r *Redis) error {
	own := f
	own.RedisPasswordFile = ""
	flag, config := own.first(), r.tls()
	switch {
	case flag == "":
		return nil
	case config == nil:
		return fmt.Errorf("%s: REDIS_URL is without TLS: want rediss://, rediss+cluster:// or rediss+sentinel:// there", flag)
	case f.RedisCert != "" && f.RedisKey == "":
		return fmt.Errorf("%s: the key of the certificate is missing: give %s, too", certFlag, keyFlag)
	case f.RedisKey != "" && f.RedisCert == "":
		return fmt.Errorf("%s: the certificate of the key is missing: give %s, too", keyFlag, certFlag)
	}
	config.MinVersion = tls.VersionTLS12
	if f.RedisCA != "" {
		text, err := os.ReadFile(f.RedisCA)
		if err != nil {
			return unreadable(caFlag, f.RedisCA, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return &FileError{caFlag, f.RedisCA, errors.New("has no certificate in PEM")}
		}
	}
	if f.RedisCert == "" {
		return nil
	}
	if _, err := f.certificate(nil); err != nil {
		return err
	}
	config.GetClientCertificate = func(asked *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		pair, err := f.certificate(asked) // read for each connection: certificates are replaced while programs run
		r.used(err)
		return pair, err
	}
	return nil
}

// certificate reads the certificate and its key.
func (f RedisFlags) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	cert, err := os.ReadFile(f.RedisCert)
	if err != nil {
		return nil, unreadable(certFlag, f.RedisCert, err)
	}
	key, err := os.ReadFile(f.RedisKey)
	if err != nil {
		return nil, unreadable(keyFlag, f.RedisKey, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	switch {
	case err == nil:
		return &pair, nil
	case strings.Contains(err.Error(), "private key"), strings.Contains(err.Error(), "key input"): // which the certificate has no part in
		return nil, &FileError{keyFlag, f.RedisKey, fmt.Errorf("does not fit %s: %s", f.RedisCert, plainTLS(err))}
	}
	return nil, &FileError{certFlag, f.RedisCert, fmt.Errorf("has no certificate in PEM: %s", plainTLS(err))}
}

func plainTLS(err error) string { return strings.TrimPrefix(err.Error(), "tls: ") }

// login has each new connection read the password anew.
func (f RedisFlags) login(r *Redis) error {
	if f.RedisPasswordFile == "" {
		return nil
	}
	user, password := r.login()
	if password != "" {
		return fmt.Errorf("%s: REDIS_URL has a password, too: keep one of them", passwordFlag)
	}
	if _, err := f.password(); err != nil {
		return err
	}
	r.authenticate(func(context.Context) (string, string, error) {
		password, err := f.password()
		r.used(err)
		return user, password, err
	})
	return nil
}

// password reads the file. Editors and shells end its line, which is no part of the password.
func (f RedisFlags) password() (string, error) {
	text, err := os.ReadFile(f.RedisPasswordFile)
	if err != nil {
		return "", unreadable(passwordFlag, f.RedisPasswordFile, err)
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) == 0 {
		return "", &FileError{passwordFlag, f.RedisPasswordFile, errors.New("is empty")}
	}
	return string(text), nil
}

// FileError is a file that a flag names and that cannot be used. Its text holds nothing of what is in the file.
type FileError struct {
	Flag, File string
	Err        error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %s %s", e.Flag, e.File, e.Err) }

// Unwrap returns why.
func (e *FileError) Unwrap() error { return e.Err }

func unreadable(flag, file string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // the name is said already
	}
	return &FileError{flag, file, fmt.Errorf("cannot be read: %w", err)}
}
