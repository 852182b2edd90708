"""Airflow DAGs that collect the datasets of the departments in shard 3."""

from dags.wiring import collect_dags

for _dag in collect_dags(shard=3):
    globals()[_dag.dag_id] = _dag
