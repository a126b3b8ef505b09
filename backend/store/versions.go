package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"saoma/backend/pay"
)

// versionsAtOnce is how many versions one statement asks for. All its texts are the same, so it is prepared once.
const versionsAtOnce = 100

func (t tx) Versions(ctx context.Context, ids []pay.OrderID) (map[pay.OrderID]int64, error) {
	found := make(map[pay.OrderID]int64, len(ids))
	statement := selectVersions()
	for some := range slices.Chunk(ids, versionsAtOnce) {
		args := make([]any, versionsAtOnce)
		for i := range args {
			args[i] = some[min(i, len(some)-1)] // the last one fills the statement up
		}
		rows, err := t.QueryContext(ctx, statement, args...)
		if err != nil {
			return nil, fmt.Errorf("ask for versions: %w", err)
		}
		if err := each(rows, func(row scanner) error {
			var id pay.OrderID
			var v int64
			err := row.Scan(&id, &v)
			found[id] = v
			return err
		}); err != nil {
			return nil, fmt.Errorf("ask for versions: %w", err)
		}
	}
	return found, nil
}

func selectVersions() string {
	places := make([]string, versionsAtOnce)
	for i := range places {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	return "SELECT id, version FROM orders WHERE id IN (" + strings.Join(places, ", ") + ")"
}
