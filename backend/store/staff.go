package store

import (
	"context"
	"fmt"

	"saoma/backend/pay"
)

const selectStaff = `SELECT id, merchant, name, role, password_hash, provisional, disabled, created_at, signed_in_at FROM staff `

func (t tx) Staff(ctx context.Context, id pay.StaffID) (pay.Staff, error) {
	s, err := scanStaff(t.QueryRowContext(ctx, selectStaff+`WHERE id = $1`+t.locks, id))
	if err != nil {
		return pay.Staff{}, noRow("staff "+string(id), err)
	}
	return s, nil
}

func (t tx) StaffByName(ctx context.Context, name string) (pay.Staff, error) {
	s, err := scanStaff(t.QueryRowContext(ctx, selectStaff+`WHERE name = $1`, name))
	if err != nil {
		return pay.Staff{}, noRow("staff by name", err)
	}
	return s, nil
}

func (t tx) StaffOf(ctx context.Context, m pay.MerchantID) ([]pay.Staff, error) {
	rows, err := t.QueryContext(ctx, selectStaff+`WHERE merchant = $1 ORDER BY name`+t.locks, m)
	if err != nil {
		return nil, fmt.Errorf("staff of %s: %w", m, err)
	}
	list, err := collect(rows, scanStaff)
	if err != nil {
		return nil, fmt.Errorf("staff of %s: %w", m, err)
	}
	return list, nil
}

func (t tx) InsertStaff(ctx context.Context, s pay.Staff) error {
	return t.change(ctx, "insert staff "+string(s.ID), `INSERT INTO staff
		(id, merchant, name, role, password_hash, provisional, disabled, created_at, signed_in_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		s.ID, s.Merchant, s.Name, s.Role, s.PasswordHash, s.Provisional, s.Disabled, millis(s.CreatedAt), millis(s.SignedInAt))
}

func (t tx) UpdateStaff(ctx context.Context, s pay.Staff) error {
	return t.change(ctx, "update staff "+string(s.ID), `UPDATE staff SET role = $2, password_hash = $3, provisional = $4,
		disabled = $5, signed_in_at = $6 WHERE id = $1`,
		s.ID, s.Role, s.PasswordHash, s.Provisional, s.Disabled, millis(s.SignedInAt))
}

func (t tx) DeleteStaff(ctx context.Context, id pay.StaffID) error {
	return t.change(ctx, "delete staff "+string(id), `DELETE FROM staff WHERE id = $1`, id)
}

func scanStaff(row scanner) (s pay.Staff, err error) {
	var created, signedIn int64
	err = row.Scan(&s.ID, &s.Merchant, &s.Name, &s.Role, &s.PasswordHash, &s.Provisional, &s.Disabled, &created, &signedIn)
	s.CreatedAt, s.SignedInAt = moment(created), moment(signedIn)
	return s, err
}
