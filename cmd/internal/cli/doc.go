// Package cli is what the project's commands have in common: how they parse, how they end, and how they reach Redis.
//
// # Redis
//
// REDIS_URL is the address, with the user and the password if they are no secret of the machine:
//
//	redis://user:password@host:port/db                       one server; unix:///path for a socket
//	redis+cluster://user:password@host:port,host:port        a cluster, by some of its nodes
//	redis+sentinel://user:password@host:port,host:port/name  the master of that name; the user is one of the servers
//
// rediss://, rediss+cluster:// and rediss+sentinel:// use TLS, 1.2 or newer. Certificates are always verified. The files of [RedisFlags] add to it
// the authority that has signed the certificates of all servers and Sentinels (--redis-ca), in place of the system's; the certificate that the
// servers ask a client for (--redis-cert, --redis-key); and the password (--redis-password-file), in place of the one in the URL.
//
// The password, the certificate and its key are read again for each new connection. To change a password without a restart, write the new
// one into the file, then have Redis know it. Connections that are open stay logged in. The authorities are read once, at the start.
//
// A file that is wrong at the start is an error of usage, status 2. A file that cannot be read later keeps new connections from being opened:
// the error names the file, and what a replica does is the same as when Redis is away.
package cli
