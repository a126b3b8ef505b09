package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// residentFile is how much of files is in the program's memory, in KB.
func residentFile(t *testing.T) (kb int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), "RssFile:")
	if _, err := fmt.Sscan(line, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}

// The pages of the program's file are given up, and what differs from its file is kept.
func TestPagesAreForgotten(t *testing.T) {
	page := os.Getpagesize()
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, bytes.Repeat([]byte("of the file "), page), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	linked, err := syscall.Mmap(int(f.Fd()), 0, 2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(linked) })
	copy(linked, "of the linker")
	if err := syscall.Mprotect(linked, syscall.PROT_READ); err != nil { // as linkers do with what they have filled in
		t.Fatal(err)
	}
	before := residentFile(t)
	if err := forgetPages(); err != nil {
		t.Fatal(err)
	}
	if after := residentFile(t); after > before*2/3 {
		t.Errorf("%d KB of files were in memory, and %d still are", before, after)
	}
	if !bytes.HasPrefix(linked, []byte("of the linker")) {
		t.Errorf("what the linker wrote has become %q", linked[:16])
	}
}
