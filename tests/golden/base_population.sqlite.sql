CREATE TABLE base_population (
    resident_id TEXT,
    person_name TEXT,
    sex_code TEXT,
    ethnic_group_code TEXT,
    birth_date DATE,
    marital_status_code TEXT,
    household_division_code TEXT,
    household_address TEXT,
    residence_address TEXT,
    phone_number TEXT,
    education_code TEXT,
    employer_name TEXT,
    death_date DATE
);
