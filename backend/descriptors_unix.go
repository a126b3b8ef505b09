//go:build unix

package main

import (
	"syscall"

	"saoma/backend/server"
)

// descriptors returns how many files and connections this process may have open: its soft limit, which Go has raised to
// the hard one at the start.
func descriptors() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return server.DescriptorsDefault
	}
	return int(min(limit.Cur, descriptorsMax))
}

// descriptorsMax is what even an unlimited process plans for: a socket takes 6 KB, so a million are 6 GB.
const descriptorsMax = 1_000_000
