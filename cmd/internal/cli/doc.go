// Package cli is the part that all commands of the project share: they parse arguments, exit and connect to Redis in the same way.
//
// # Redis
//
// REDIS_URL is the address. It may contain the user and the password:
//
//	redis://user:password@host:port/db                       one server; unix:///path for a socket
//	redis+cluster://user:password@host:port,host:port        a cluster; one or more of its nodes
//	redis+sentinel://user:password@host:port,host:port/name  Sentinels, and the name of the master; the user logs in at the servers
//
// rediss://, rediss+cluster:// and rediss+sentinel:// use TLS, 1.2 or newer. Certificates are always verified. [RedisFlags] name files:
//
//   - --redis-ca: the authorities that sign the certificates of all servers and Sentinels, instead of the authorities of the system
//   - --redis-cert and --redis-key: the certificate of this client and its key, for servers that demand one
//   - --redis-password-file: the password, instead of one in the URL
//
// A client reads the password, the certificate and its key again for each new connection. To change the password without a restart, write the
// new password into the file, then set it in Redis. Open connections stay logged in. The authorities are read once, at the start.
//
// A wrong file at the start is an error of usage, status 2. If a file cannot be read later, no new connection can be opened. The error then names
// the file, and a replica behaves as it does when Redis is away.
package cli
