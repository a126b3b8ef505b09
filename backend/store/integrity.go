package store

import (
	"context"
	"fmt"
	"strings"

	"saoma/backend/pay"
)

// Integrity has the database look for damage in its file; quick leaves the indexes out. PostgreSQL watches over its files
// itself: there it only shows that the database answers.
func (s *Store) Integrity(ctx context.Context, quick bool) error {
	statement := s.integrity
	if quick {
		statement = s.integrityQuick
	}
	err := s.View(ctx, func(t pay.Tx) error {
		if statement == "" {
			return nil
		}
		rows, err := t.(tx).QueryContext(ctx, statement)
		if err != nil {
			return err
		}
		said, err := collect(rows, func(row scanner) (line string, err error) { return line, row.Scan(&line) })
		if err == nil && (len(said) != 1 || said[0] != "ok") {
			err = fmt.Errorf("the database is damaged: %s", strings.Join(said[:min(len(said), 3)], "; "))
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look for damage: %w", err)
	}
	return nil
}
