// Package cli is what the project's commands have in common: how they parse, how they end, and how they reach Redis.
package cli
