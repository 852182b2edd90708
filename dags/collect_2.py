"""Airflow DAGs that collect the datasets of the departments in shard 2."""

from dags.wiring import collect_dags

for _dag in collect_dags(shard=2):
    globals()[_dag.dag_id] = _dag
