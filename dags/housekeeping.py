"""Airflow DAGs of the hub's own housekeeping: they look after the batches and are no part of any."""

from dags.wiring import housekeeping_dags

for _dag in housekeeping_dags():
    globals()[_dag.dag_id] = _dag
