package store

import (
	"context"
	"encoding/json"
	"fmt"

	"saoma/backend/pay"
)

const entryColumns = `id, merchant, at, staff, name, action, subject, detail, address`

func (t tx) AppendStaffEntry(ctx context.Context, e pay.StaffEntry) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("append to the staff log: %w", err)
	}
	return t.change(ctx, "append to the staff log", `INSERT INTO staff_log (`+entryColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.ID, e.Merchant, millis(e.At), e.Staff, e.Name, e.Action, e.Subject, string(detail), e.Address)
}

func (t tx) StaffEntries(ctx context.Context, m pay.MerchantID, before string, limit int) ([]pay.StaffEntry, error) {
	rows, err := t.QueryContext(ctx, `SELECT `+entryColumns+` FROM staff_log
		WHERE merchant = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, m, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read the staff log: %w", err)
	}
	list, err := collect(rows, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("read the staff log: %w", err)
	}
	return list, nil
}

func scanEntry(row scanner) (e pay.StaffEntry, err error) {
	var at int64
	var detail []byte
	if err := row.Scan(&e.ID, &e.Merchant, &at, &e.Staff, &e.Name, &e.Action, &e.Subject, &detail, &e.Address); err != nil {
		return e, err
	}
	e.At = moment(at)
	return e, json.Unmarshal(detail, &e.Detail)
}
