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

// RedisFlags are the files with the secrets of Redis. Every command that connects to Redis embeds them. The address has no flag, only the variable
// REDIS_URL: it may contain a password, and every user of a machine can read the command lines of the others.
type RedisFlags struct {
	RedisCA           string `name:"redis-ca" env:"WEIR_REDIS_CA" placeholder:"FILE" help:"PEM file of the authorities that sign the certificate of Redis. Without it, the authorities of the system."`
	RedisCert         string `name:"redis-cert" env:"WEIR_REDIS_CERT" placeholder:"FILE" help:"PEM file of the certificate that this program presents to Redis. Without it, none."`
	RedisKey          string `name:"redis-key" env:"WEIR_REDIS_KEY" placeholder:"FILE" help:"PEM file of the private key of --redis-cert."`
	RedisPasswordFile string `name:"redis-password-file" env:"WEIR_REDIS_PASSWORD_FILE" placeholder:"FILE" help:"File of the password of Redis, read again for each new connection. Without it, the password in REDIS_URL."`
}

// The names of these flags in errors.
const (
	caFlag       = "--redis-ca (or WEIR_REDIS_CA)"
	certFlag     = "--redis-cert (or WEIR_REDIS_CERT)"
	keyFlag      = "--redis-key (or WEIR_REDIS_KEY)"
	passwordFlag = "--redis-password-file (or WEIR_REDIS_PASSWORD_FILE)"
)

// Open parses a URL as [ParseRedis] does, and reads the files that the flags name. Errors are errors of usage that name the flag and the file. If
// url is empty, REDIS_URL is not set: Open then returns nil, or an error if one of the flags is set.
func (f RedisFlags) Open(url string) (*Redis, error) {
	if url == "" {
		if flag := f.first(); flag != "" {
			return nil, Usagef("%s: REDIS_URL is not set: set it to the Redis that the file belongs to", flag)
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

// first returns the name of the first flag that is set, or "" if none is.
func (f RedisFlags) first() string {
	for _, flag := range []struct{ value, name string }{{f.RedisCA, caFlag}, {f.RedisCert, certFlag}, {f.RedisKey, keyFlag}, {f.RedisPasswordFile, passwordFlag}} {
		if flag.value != "" {
			return flag.name
		}
	}
	return ""
}

// secure sets the authorities and the certificate for the connections of r.
func (f RedisFlags) secure(r *Redis) error {
	own := f
	own.RedisPasswordFile = ""
	flag, config := own.first(), r.tls()
	switch {
	case flag == "":
		return nil
	case config == nil:
		return fmt.Errorf("%s: REDIS_URL is without TLS: want it to begin with rediss://, rediss+cluster:// or rediss+sentinel://", flag)
	case f.RedisCert != "" && f.RedisKey == "":
		return fmt.Errorf("%s: the key of the certificate is missing: set %s as well", certFlag, keyFlag)
	case f.RedisKey != "" && f.RedisCert == "":
		return fmt.Errorf("%s: the certificate of the key is missing: set %s as well", keyFlag, certFlag)
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
		pair, err := f.certificate(asked) // read for each connection: the files may be replaced while the program runs
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
	case strings.Contains(err.Error(), "private key"), strings.Contains(err.Error(), "key input"): // the mistake is in the file of the key
		return nil, &FileError{keyFlag, f.RedisKey, fmt.Errorf("does not fit %s: %s", f.RedisCert, plainTLS(err))}
	}
	return nil, &FileError{certFlag, f.RedisCert, fmt.Errorf("has no certificate in PEM: %s", plainTLS(err))}
}

func plainTLS(err error) string { return strings.TrimPrefix(err.Error(), "tls: ") }

// login makes each new connection of r read the password from its file.
func (f RedisFlags) login(r *Redis) error {
	if f.RedisPasswordFile == "" {
		return nil
	}
	user, password := r.login()
	if password != "" {
		return fmt.Errorf("%s: REDIS_URL contains a password as well: remove one of the two", passwordFlag)
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

// password returns the text of the file without a final newline: editors and shells add one that is not part of the password.
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

// FileError reports that the file of a flag cannot be used. Its text contains nothing of the content of the file.
type FileError struct {
	Flag, File string
	Err        error
}

func (e *FileError) Error() string { return fmt.Sprintf("%s: %s %s", e.Flag, e.File, e.Err) }

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

func unreadable(flag, file string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err // without the name of the file, which FileError has
	}
	return &FileError{flag, file, fmt.Errorf("cannot be read: %w", err)}
}
