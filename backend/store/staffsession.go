package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"saoma/backend/pay"
)

func digestText(d pay.Digest) string { return hex.EncodeToString(d[:]) }

func (t tx) Session(ctx context.Context, d pay.Digest) (pay.Session, error) {
	s := pay.Session{Digest: d}
	var created, seen int64
	err := t.QueryRowContext(ctx, `SELECT staff, created_at, seen_at FROM staff_sessions WHERE digest = $1`, digestText(d)).
		Scan(&s.Staff, &created, &seen)
	if err != nil {
		return pay.Session{}, noRow("session", err)
	}
	s.CreatedAt, s.SeenAt = moment(created), moment(seen)
	return s, nil
}

func (t tx) InsertSession(ctx context.Context, s pay.Session) error {
	return t.change(ctx, "insert a session", `INSERT INTO staff_sessions (digest, staff, created_at, seen_at)
		VALUES ($1, $2, $3, $4)`, digestText(s.Digest), s.Staff, millis(s.CreatedAt), millis(s.SeenAt))
}

func (t tx) TouchSession(ctx context.Context, d pay.Digest, at time.Time) error {
	return t.change(ctx, "touch a session", `UPDATE staff_sessions SET seen_at = $2 WHERE digest = $1`, digestText(d), millis(at))
}

func (t tx) EndSession(ctx context.Context, d pay.Digest) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM staff_sessions WHERE digest = $1`, digestText(d)); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

func (t tx) EndSessions(ctx context.Context, id pay.StaffID) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM staff_sessions WHERE staff = $1`, id); err != nil {
		return fmt.Errorf("end the sessions of %s: %w", id, err)
	}
	return nil
}

func (t tx) ForgetSessions(ctx context.Context, began, seen time.Time) error {
	_, err := t.ExecContext(ctx, `DELETE FROM staff_sessions WHERE created_at < $1 OR seen_at < $2`, millis(began), millis(seen))
	if err != nil {
		return fmt.Errorf("forget old sessions: %w", err)
	}
	return nil
}

// Tries makes the row if there is none, so that two who try at once wait for each other on every database.
func (t tx) Tries(ctx context.Context, subject string) (pay.Tries, error) {
	var tries pay.Tries
	var last int64
	_, err := t.ExecContext(ctx, `INSERT INTO staff_tries (subject, failures, last_at) VALUES ($1, 0, 0)
		ON CONFLICT (subject) DO NOTHING`, subject)
	if err == nil {
		err = t.QueryRowContext(ctx, `SELECT failures, last_at FROM staff_tries WHERE subject = $1`+t.locks, subject).
			Scan(&tries.Failures, &last)
	}
	if err != nil {
		return pay.Tries{}, fmt.Errorf("read failed sign-ins: %w", err)
	}
	tries.LastAt = moment(last)
	return tries, nil
}

func (t tx) PutTries(ctx context.Context, subject string, tries pay.Tries) error {
	return t.change(ctx, "count a sign-in", `UPDATE staff_tries SET failures = $2, last_at = $3 WHERE subject = $1`,
		subject, tries.Failures, millis(tries.LastAt))
}

func (t tx) ForgetTries(ctx context.Context, subject string) error {
	if _, err := t.ExecContext(ctx, `DELETE FROM staff_tries WHERE subject = $1 OR subject LIKE $1 || ' %'`, subject); err != nil {
		return fmt.Errorf("forget failed sign-ins: %w", err)
	}
	return nil
}

func (t tx) ForgetOldTries(ctx context.Context, before, knownBefore time.Time) error {
	_, err := t.ExecContext(ctx, `DELETE FROM staff_tries WHERE last_at < $1 AND (last_at < $2 OR subject NOT LIKE '`+pay.KnownPrefix+`%')`,
		millis(before), millis(knownBefore))
	if err != nil {
		return fmt.Errorf("forget old failed sign-ins: %w", err)
	}
	return nil
}
