"""Airflow DAGs that publish the base registries."""

from dags.wiring import publish_dags

for _dag in publish_dags():
    globals()[_dag.dag_id] = _dag
