package main

import (
	"runtime/debug"
	"testing"
)

// What a rush has left behind is given back to the system once it is quiet, and not before.
func TestMemoryIsGivenBack(t *testing.T) {
	t.Setenv("GOGC", "off") // nobody else collects meanwhile
	percent := debug.SetGCPercent(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent) })
	var tidy tidier
	tidy.look()
	tidy.look()
	const rush = 64 << 20
	for range rush >> 20 {
		_ = append([]byte(nil), make([]byte, 1<<20)...)
	}
	full := readHeap()
	if tidy.look() {
		t.Error("it tidied up in the middle of a rush")
	}
	if !tidy.look() {
		t.Errorf("of %d bytes %d are spare, and it did not tidy up", full.held, full.spare)
	}
	if now := readHeap(); now.held > full.held-rush/2 {
		t.Errorf("it held %d bytes and still holds %d", full.held, now.held)
	}
	if tidy.look() {
		t.Error("it tidied up with nothing to be had")
	}
}
