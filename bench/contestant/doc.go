// Package contestant puts one face on the limiters that are measured beside each other: Allow, which answers at once, and
// Wait, which returns when a call may start.
//
// A fleet is a number of replicas on one budget. Each replica has a client of its own with the defaults of its library,
// as a process of its own would. What works inside one process only has one limiter for the whole fleet and is marked
// OneProcess: it shows what a budget costs that nobody else shares.
//
// Limiters without a wait of their own are asked again and again: after the time they name, or after 5 ms when they name
// none or return an error.
package contestant
