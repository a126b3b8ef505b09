//go:build !unix

package main

import "saoma/backend/server"

// descriptors returns how many files and connections this process may have open.
func descriptors() int { return server.DescriptorsDefault }
