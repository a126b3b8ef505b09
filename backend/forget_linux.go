package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// forgetPages gives up the pages of the program's file that have been needed so far. Most of them only the start needs, or a
// rush: the tables of types, the code that reads the configuration. What is needed again comes back from the system's memory of
// files, in some microseconds for 64 KB.
func forgetPages() error {
	text, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range untouched(string(text)) {
		if _, _, e := syscall.Syscall(syscall.SYS_MADVISE, m.start, m.end-m.start, syscall.MADV_DONTNEED); e != 0 {
			errs = append(errs, fmt.Errorf("madvise %x-%x: %w", m.start, m.end, e))
		}
	}
	return errors.Join(errs...)
}

// A mapping is a part of a file that the program sees in its memory.
type mapping struct{ start, end uintptr }

// untouched finds in /proc/self/smaps (proc(5)) what nobody may write to, and what is as it stands in the file: a linker, or a
// debugger with its breakpoints, may have altered some of it, and that would be lost.
func untouched(smaps string) (found []mapping) {
	var m mapping
	for line := range strings.Lines(smaps) {
		var start, end uintptr
		var may, device string
		var offset, inode, altered uint64
		if n, _ := fmt.Sscanf(line, "%x-%x %s %x %s %d", &start, &end, &may, &offset, &device, &inode); n == 6 {
			m = mapping{}
			if inode != 0 && !strings.Contains(may, "w") {
				m = mapping{start, end}
			}
			continue
		}
		if n, _ := fmt.Sscanf(line, "Anonymous: %d kB", &altered); n == 1 && altered == 0 && m.end != 0 {
			found = append(found, m)
		}
	}
	return found
}
